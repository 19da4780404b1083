/**
 * Print what the front end weighs, and fail when it is above the budget, or when JupyterLab has to fetch more than the plugins at its
 * start; what draws charts (Vega, uPlot) is fetched with the first of them.
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
  const isChart = (bytes.includes('vega-embed') && zipped > 100_000) || (bytes.includes('u-legend') && zipped > 15_000);
  [own, charts] = isChart ? [own, charts + zipped] : [own + zipped, charts];
}
console.log(
  `front end ${(own / 1000).toFixed(1)} kB gzip (budget ${BUDGET_KB}), chart runtimes ${(charts / 1000).toFixed(1)} kB`
);
if (!late) {
  console.error('The panels are fetched at the start: name in bundle.config.cjs what the plugins import.');
}
if (own > BUDGET_KB * 1000 || !late) {
  process.exit(1);
}
