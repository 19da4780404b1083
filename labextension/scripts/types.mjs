/**
 * Generate from docs/openapi.json: src/api/schema.ts, the records that the server answers with, and
 * src/api/needs.ts, the table of what a job needs.
 *
 *   jlpm types           write it
 *   jlpm types --check   fail when it is not what the document gives
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);
const RECORDS = new URL('../src/api/schema.ts', import.meta.url);
const NEEDS = new URL('../src/api/needs.ts', import.meta.url);
const HEAD = '/* Generated from docs/openapi.json by `jlpm types`; not to be edited. */\n\n';

const document = JSON.parse(await readFile(DOCUMENT, 'utf8'));
// The routes are called by name in the clients; a test compares them with the document.
const records = { ...document, paths: {}, components: { schemas: document.components.schemas } };
const schema =
  HEAD +
  astToString(
    await openapiTS(records, { immutable: true, defaultNonNullable: false, alphabetize: true })
  );

/** The body of a submit says of each need how it is asked for. */
const body = document.paths['/jobs/jobs'].post.requestBody.content['application/json'].schema;
const table = Object.entries(body.properties).flatMap(([name, property]) =>
  property['x-need'] ? [{ name, ...property['x-need'] }] : []
);
const quoted = value =>
  typeof value === 'string'
    ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : String(value);
const row = (need, keys, write) =>
  `  ${need.name}: {\n${keys.map(key => `    ${key}: ${write(need[key])}`).join(',\n')}\n  }`;
const rows = (keys, write) => table.map(need => row(need, keys, write)).join(',\n');
const translated = text => (text ? `trans.__(${quoted(text)})` : "''");

const needs = `${HEAD}import type { TranslationBundle } from '@jupyterlab/translation';

export interface INeed {
  /** A share is a whole number, or below 1 a part in hundredths. */
  readonly kind: 'whole' | 'number' | 'share' | 'word';
  /** Null where a job can do without. */
  readonly default: number | null;
  /** Excluded where the kind is number. */
  readonly least: number;
  readonly most: number | null;
  /** Of the command line. */
  readonly option: string;
}

/** What a job needs, as the server's table has it. */
export const NEEDS = {
${rows(['kind', 'default', 'least', 'most', 'option'], quoted)}
} as const satisfies Readonly<Record<string, INeed>>;

export type Need = keyof typeof NEEDS;

export interface INeedWords {
  readonly label: string;
  readonly unit: string;
  readonly help: string;
  /** What it means to leave it out; empty where that cannot be. */
  readonly without: string;
}

/** The words of each need. */
export const needWords = (trans: TranslationBundle): Readonly<Record<Need, INeedWords>> => ({
${rows(['label', 'unit', 'help', 'without'], translated)}
});
`;

for (const [target, text] of [
  [RECORDS, schema],
  [NEEDS, needs]
]) {
  const path = fileURLToPath(target);
  if (!process.argv.includes('--check')) {
    await writeFile(target, text);
    console.log(path);
  } else if ((await readFile(target, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} differs from docs/openapi.json: run \`jlpm types\`.`);
    process.exitCode = 1;
  }
}
