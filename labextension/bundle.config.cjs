const { existsSync, readFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

const LIB = join(__dirname, 'lib');
const IMPORT = /^(?:import|export)\s[^;]*?from\s*'(\.[^']+)'/gm;

/** The file of a module: that of a folder is its index. */
const fileOf = path => [`${path}.js`, join(path, 'index.js')].find(file => existsSync(file));

/** Add a module to those that are there from the start, with what it imports. */
function add(file, start) {
  if (!start.has(file)) {
    start.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      add(fileOf(resolve(dirname(file), path)), start);
    }
  }
  return start;
}

const start = existsSync(LIB) ? add(join(LIB, 'index.js'), new Set()) : new Set();

/** The folder of a module of ours that is fetched later, or the name of a style sheet. */
const folderOf = ({ resource }) =>
  resource?.startsWith(LIB) && !start.has(resource)
    ? resource.slice(LIB.length + 1).split(/[\\/]/)[0]
    : /[\\/]labextension[\\/]style[\\/](\w+)\.css$/.exec(resource ?? '')?.[1];
/** The style sheets of components; that of a domain has the name of its folder. */
const SHEETS = ['frame', 'controls', 'cards', 'charts', 'chartmarks', 'forms', 'diff', 'deploying'];
/** Folders, and files beside them. */
const SHARED = [
  'answers',
  'api',
  'code',
  'components',
  'format.js',
  'hooks',
  'names.js',
  'order.js',
  'workbench'
];
const DOMAINS = [
  'catalog',
  'deployments',
  'experiments',
  'features',
  'jobs',
  'models',
  'monitoring',
  'notebook',
  'pipelines'
];

/**
 * What is added to JupyterLab's own bundler configuration. What panels and pages are drawn with is
 * one chunk, fetched with the first of them, and so is what a domain shows, each with its style
 * sheets. Without this the bundler copies components into every chunk that uses them, since each
 * alone is below its usual limit. An import with the name of its domain (`webpackChunkName`) leaves no
 * chunk of its own behind, which the start would have to know. `jlpm size` fails when one of these chunks is needed at the
 * start. Modules and what they export have the shortest names there are, and style sheets lose
 * their comments and spaces.
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
        // what puts a style sheet into the page: else each chunk that comes with one brings it
        styles: {
          test: /[\\/](css|style)-loader[\\/]dist[\\/]runtime[\\/]/,
          name: 'styles',
          chunks: 'async',
          enforce: true
        },
        shared: {
          test: module => [...SHARED, ...SHEETS].includes(folderOf(module)),
          name: 'shared',
          chunks: 'async',
          enforce: true
        },
        domains: {
          test: module => DOMAINS.includes(folderOf(module)),
          name: module => folderOf(module),
          chunks: 'async',
          enforce: true
        }
      }
    }
  }
};
