const DOMAIN = /[\\/]lib[\\/](\w+)[\\/]/;
// Domains that stand in the panel of another one come with it.
const PANELS = { deployments: 'models', monitoring: 'models', pipelines: 'jobs' };

/**
 * What is added to JupyterLab's own bundler configuration: components that several panels and pages use are one chunk, fetched
 * with the first of them. Without this the bundler copies each into every chunk, since each alone is below its usual limit.
 * So is each domain, fetched with its panel or its first page: what its pages share is there once, and one file packs better than many.
 * Modules and what they export have the shortest names there are, and style sheets lose their comments and spaces.
 */
module.exports = {
  module: {
    rules: [
      {
        test: /(?<!\.raw)\.css$/,
        enforce: 'pre',
        loader: 'builtin:lightningcss-loader',
        options: { minify: true }
      }
    ]
  },
  optimization: {
    moduleIds: 'natural',
    mangleExports: 'size',
    splitChunks: {
      cacheGroups: {
        shared: {
          test: /[\\/]lib[\\/](api|code|components|hooks|jobs)[\\/]|format\.js|refs\.js/,
          name: 'shared',
          chunks: 'async',
          minChunks: 2,
          enforce: true
        },
        domain: {
          test: /[\\/]lib[\\/](catalog|deployments|experiments|features|jobs|models|monitoring|pipelines)[\\/]/,
          name: ({ resource }) => PANELS[DOMAIN.exec(resource)[1]] ?? DOMAIN.exec(resource)[1],
          chunks: 'async',
          enforce: true
        }
      }
    }
  }
};
