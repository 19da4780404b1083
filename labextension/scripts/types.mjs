/**
 * Generate src/api/schema.ts, the records that the server answers with, from docs/openapi.json.
 *
 *   jlpm types           write it
 *   jlpm types --check   fail when it is not what the document gives
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);
const TARGET = new URL('../src/api/schema.ts', import.meta.url);
const HEAD = '/* Generated from docs/openapi.json by `jlpm types`; not to be edited. */\n\n';

const document = JSON.parse(await readFile(DOCUMENT, 'utf8'));
// The routes are called by name in the clients; a test compares them with the document.
const records = { ...document, paths: {}, components: { schemas: document.components.schemas } };
const text =
  HEAD +
  astToString(
    await openapiTS(records, { immutable: true, defaultNonNullable: false, alphabetize: true })
  );

if (process.argv.includes('--check')) {
  const present = await readFile(TARGET, 'utf8').catch(() => '');
  if (present !== text) {
    console.error('src/api/schema.ts differs from docs/openapi.json: run `jlpm types`.');
    process.exit(1);
  }
} else {
  await writeFile(TARGET, text);
  console.log(
    `${fileURLToPath(TARGET)}: ${Object.keys(records.components.schemas).length} records`
  );
}
