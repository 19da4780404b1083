import { readdirSync, readFileSync } from 'fs';
import { basename, join, relative } from 'path';

const SRC = join(__dirname, '..');
const STYLE = join(__dirname, '../../style');
/** The sheets that belong to one folder of the code; the others are for all. */
const OWNED = [
  'catalog',
  'deployments',
  'experiments',
  'features',
  'jobs',
  'mime',
  'models',
  'monitoring',
  'pipelines'
];

const code = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => /\.tsx?$/.test(path) && !path.includes('__tests__'))
  .map(path => ({ path, text: readFileSync(join(SRC, path), 'utf8') }));

const sheets = readdirSync(STYLE)
  .filter(name => name.endsWith('.css') && name !== 'index.css')
  .map(name => ({
    name: basename(name, '.css'),
    text: readFileSync(join(STYLE, name), 'utf8').replace(/\/\*.*?\*\//gs, '')
  }));

/** The selectors of a sheet, one for each rule. */
const selectors = (text: string): string[] =>
  [...text.matchAll(/([^{};]+)\{/g)].map(([, found = '']) => found.trim());

const classesOf = (text: string): string[] => [
  ...new Set([...text.matchAll(/\.jp-mlinfra-([\w-]+)/g)].map(([, name = '']) => name))
];

/** What names of classes begin with that are put together: `tone-` of `tone-${tone}`. */
const prefixes = code.flatMap(({ text }) =>
  [...text.matchAll(/`(?:jp-mlinfra-)?([a-z-]+-)\$\{/g)].map(([, prefix = '']) => prefix)
);

const names = (text: string, name: string): boolean =>
  new RegExp(`['"\`](?:jp-mlinfra-)?${name}['"\`]|jp-mlinfra-${name}(?![\\w-])`).test(text);

it.each(sheets)('each class in $name.css is used, and has our prefix', ({ text }) => {
  const unused = classesOf(text).filter(
    name =>
      !prefixes.some(prefix => name.startsWith(prefix)) &&
      !code.some(file => names(file.text, name))
  );
  expect(unused).toEqual([]);
  for (const selector of selectors(text).filter(found => !/^(@|:root|body|to$)/.test(found))) {
    expect(selector).toMatch(/jp-mlinfra-|mlinfra/);
  }
});

/** The classes that code gives to what it draws; those that are put together are left out. */
const given = (text: string): string[] => {
  const calls = [...text.matchAll(/\bcx\(((?:[^()]|\([^()]*\))*)\)/g)]
    .map(([, classes = '']) => classes.replace(/`[^`]*`/g, ''))
    .join('\n');
  const found = [
    ...calls.matchAll(/(?<![!=]== )'([a-z][\w-]*)'/g), // not what something is compared with
    ...text.matchAll(/['"`]jp-mlinfra-([\w-]+)['"`]/g)
  ];
  return [...new Set(found.map(([, name = '']) => name))];
};

it('each class that the code gives is in a sheet, or is what other code looks for', () => {
  const styled = new Set(sheets.flatMap(({ text }) => classesOf(text)));
  const without = code.flatMap(({ path, text }) =>
    given(text)
      .filter(name => !styled.has(name))
      .filter(name => !code.some(other => other.text.includes(`.jp-mlinfra-${name}`)))
      .map(name => `${path}: ${name}`)
  );
  expect(code.flatMap(({ text }) => given(text)).length).toBeGreaterThan(300);
  expect(without).toEqual([]);
});

it.each(OWNED.filter(name => sheets.some(sheet => sheet.name === name)))(
  'the sheet of %s styles what has its name, and comes with what uses it',
  owner => {
    const sheet = sheets.find(({ name }) => name === owner)?.text ?? '';
    const own = classesOf(sheet).filter(name => name.startsWith(`${owner}-`));
    const foreign = selectors(sheet)
      .filter(found => !found.startsWith('@'))
      .flatMap(found => found.split(/,(?![^(]*\))/))
      .filter(found => !found.includes(`.jp-mlinfra-${owner}-`));
    expect(foreign).toEqual([]);
    for (const { name, text } of sheets.filter(other => other.name !== owner)) {
      expect([name, own.filter(found => classesOf(text).includes(found))]).toEqual([name, []]);
    }
    const users = code.filter(({ text }) => own.some(name => names(text, name)));
    const without = users.filter(({ text }) => !text.includes(`style/${owner}.css'`));
    expect(without.map(({ path }) => path)).toEqual([]);
    expect(users.filter(({ path }) => !relative(owner, path).startsWith('..'))).toEqual(users);
  }
);
