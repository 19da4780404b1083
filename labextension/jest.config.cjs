/* The libraries of JupyterLab are modules of the newer kind: all of them are transformed, by swc
   since it is fast. */
const modules = [
  '@jupyter/',
  '@jupyter-widgets/',
  '@jupyterlab/',
  '@lumino/',
  '@microsoft/',
  '@rjsf/',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs',
  '@codemirror',
  '@lezer',
  '@marijn',
  'crelt',
  'style-mod',
  'w3c-keyname',
  'uplot',
  'vega'
];

module.exports = {
  testEnvironment: 'jsdom',
  testTimeout: 60_000, // a machine whose cores are busy takes several times as long
  testRegex: 'src/(.*/)?__tests__/.*\\.spec\\.tsx?$',
  transform: {
    '\\.[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2022',
          transform: { react: { runtime: 'classic' } }
        },
        module: { type: 'commonjs' }
      }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${modules.join('|')}))`],
  moduleNameMapper: {
    // Vega in one file, as it is for browsers: its modules would ask Node for a canvas.
    '^vega$': '<rootDir>/node_modules/vega/build/vega.js',
    '\\.(css|svg|raw)$': '<rootDir>/scripts/jest/asset.cjs'
  },
  setupFiles: ['<rootDir>/scripts/jest/browser.cjs', '<rootDir>/src/__tests__/kinds.ts']
};
