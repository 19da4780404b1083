/**
 * Print what the front end weighs, and fail when it is above the budget, or when JupyterLab has to fetch more than the plugins at its
 * start. The runtimes of charts are fetched with the first chart or curve and counted apart.
 */
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 150;
const FOLDER = new URL('../../jupyter_mlinfra/labextension/static/', import.meta.url);

let own = 0;
let charts = 0;
let late = true;
for (const name of await readdir(FOLDER)) {
  if (!name.endsWith('.js')) {
    continue;
  }
  const bytes = await readFile(new URL(name, FOLDER));
  const [start] = name.startsWith('remoteEntry') ? (/"\.\/index":.*?"\.\/extension"/s.exec(bytes) ?? ['']) : ['.e('];
  late &&= start.split('.e(').length === 2;
  const zipped = gzipSync(bytes).length;
  const isVega = bytes.includes('vega-embed') && zipped > 100_000;
  const isPlot = bytes.includes('u-over') && !bytes.includes('jp-mlinfra-'); // its rules are in our style sheet too
  [own, charts] = isVega || isPlot ? [own, charts + zipped] : [own + zipped, charts];
}
console.log(
  `front end ${(own / 1000).toFixed(1)} kB gzip (budget ${BUDGET_KB}), runtimes of charts ${(charts / 1000).toFixed(1)} kB`
);
if (!late) {
  console.error('The panels are fetched at the start: name in bundle.config.cjs what the plugins import.');
}
if (own > BUDGET_KB * 1000 || !late) {
  process.exit(1);
}
