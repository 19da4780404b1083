/**
 * What is added to JupyterLab's own bundler configuration: components that several panels and pages use are one chunk, fetched
 * with the first of them. Without this the bundler copies each into every chunk, since each alone is below its usual limit.
 */
module.exports = {
  optimization: {
    splitChunks: {
      cacheGroups: {
        shared: {
          test: /[\\/]lib[\\/](api|code|components|hooks|jobs)[\\/]|format\.js|refs\.js/,
          name: 'shared',
          chunks: 'async',
          minChunks: 2,
          enforce: true
        }
      }
    }
  }
};
