/**
 * Print what the front end weighs, compressed: what JupyterLab loads at its start, each chunk that
 * it loads later, and the sum. Fail when one is above its budget. Vega, which is loaded with the
 * first chart of a notebook, is counted apart.
 */
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const START_KB = 47;
const TOTAL_KB = 320;
const FOLDER = new URL('../../jupyter_mlinfra/labextension/static/', import.meta.url);
/** By what only that chunk holds; the others are called as their files. */
const NAMES = [
  ['vega-embed', 'Vega'],
  ['u-over', 'uPlot']
];

const chunks = [];
let entry = '';
for (const name of await readdir(FOLDER)) {
  if (name.endsWith('.js')) {
    const bytes = await readFile(new URL(name, FOLDER));
    const text = bytes.toString();
    const zipped = gzipSync(bytes).length / 1000;
    const known = NAMES.find(
      ([sign]) => text.includes(sign) && zipped > 15 && !text.includes('jp-mlinfra-')
    );
    chunks.push({ name: known?.[1] ?? name.split('.')[0], file: name, zipped });
    entry = name.startsWith('remoteEntry') ? text : entry;
  }
}

// What the entry fetches for the plugins and for the style sheet; anything more would be fetched at
// the start too.
const fetched = ['extension', 'style'].flatMap(part => {
  const [found = ''] = new RegExp(`"\\./${part}":.*?\\(\\)=>\\(\\)=>`, 's').exec(entry) ?? [];
  return [
    ...found
      .split(`"./${part}"`)
      .at(-1)
      .matchAll(/\.e\("?(\w+)"?\)/g)
  ].map(([, id]) => id);
});
// The entry calls chunks by number; the files of those with a name are called by that.
const [, named = ''] = /\.u=\w+=>""\+\(\(\{(.*?)\}\)/s.exec(entry) ?? [];
const names = new Map([...named.matchAll(/(\d+):"([^"]+)"/g)].map(([, id, name]) => [id, name]));
const first = fetched.map(id => names.get(id) ?? id);
const isFirst = ({ file }) =>
  /^(remoteEntry|style)\./.test(file) || first.includes(file.split('.')[0]);
const sum = some => some.reduce((total, { zipped }) => total + zipped, 0);

const own = chunks.filter(({ name }) => name !== 'Vega');
const start = sum(own.filter(isFirst));
console.log(`start  ${start.toFixed(1)} kB gzip (budget ${START_KB})`);
for (const { name, zipped } of chunks
  .filter(chunk => !isFirst(chunk))
  .sort((a, b) => b.zipped - a.zipped)) {
  console.log(`later  ${zipped.toFixed(1)} kB  ${name}`);
}
console.log(`sum    ${sum(own).toFixed(1)} kB gzip without Vega (budget ${TOTAL_KB})`);
if (!fetched.length || start > START_KB || sum(own) > TOTAL_KB) {
  process.exit(1);
}
