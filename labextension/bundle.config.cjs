// What the plugins themselves import is there from the start; everything else of a domain comes with the first panel or page.
const FIRST = /[\\/](plugin|ingest|ended|notify|state|changes|creating|document|given|menu)\.js$/;
const DOMAIN =
  /[\\/]lib[\\/](catalog|deployments|experiments|features|jobs|models|monitoring|pipelines)[\\/]/;

/**
 * What is added to JupyterLab's own bundler configuration: what panels and pages are made of is one chunk, fetched with the first of them.
 * Without this the bundler copies components into every chunk that uses them, since each alone is below its usual limit; and one
 * file packs better than many. `jlpm size` fails when that chunk is needed at the start.
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
          test: /[\\/]lib[\\/](api|code|components|hooks)[\\/]|format\.js|refs\.js/,
          name: 'shared',
          chunks: 'async',
          minChunks: 2,
          enforce: true
        },
        panels: {
          test: ({ resource }) => DOMAIN.test(resource) && !FIRST.test(resource),
          name: 'panels',
          chunks: 'async',
          enforce: true
        }
      }
    }
  }
};
