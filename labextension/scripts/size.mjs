/** Print what the front end weighs, and fail when it is above the budget; the Vega runtime is fetched with the first chart. */
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 150;
const FOLDER = new URL('../../jupyter_mlinfra/labextension/static/', import.meta.url);

let own = 0;
let vega = 0;
for (const name of await readdir(FOLDER)) {
  if (!name.endsWith('.js')) {
    continue;
  }
  const bytes = await readFile(new URL(name, FOLDER));
  const zipped = gzipSync(bytes).length;
  const isVega = bytes.includes('vega-embed') && zipped > 100_000;
  [own, vega] = isVega ? [own, vega + zipped] : [own + zipped, vega];
}
console.log(
  `front end ${(own / 1000).toFixed(1)} kB gzip (budget ${BUDGET_KB}), Vega runtime ${(vega / 1000).toFixed(1)} kB`
);
if (own > BUDGET_KB * 1000) {
  process.exit(1);
}
