import type { TranslationBundle } from '@jupyterlab/translation';

import { allKinds } from '../../__tests__/kinds';
import { kinds } from '../../kinds';
import { domainWord } from '../domains';

const trans = { __: (text: string) => `«${text}»` } as unknown as TranslationBundle;

it('the palette shows the domain of each of our actions in the language of the user', () => {
  const words = allKinds
    .flatMap(({ actions }) => actions ?? [])
    .map(action => domainWord(action, trans));
  expect(words).toContain('«Jobs»');
  expect(words.filter(word => !word.startsWith('«'))).toEqual([]);
});

it.each([
  ['mlinfra:books-read', 'Books'],
  ['mlinfra:books2-read-aloud', 'Books2'],
  ['mlinfra:old_books-read', 'Old books'],
  ['mlinfra:old-books-read-aloud', 'Old books']
])('a domain of another extension is called by its name: %s', (id, word) => {
  const names = { icon: 'file', label: 'book', plural: 'Books' } as const;
  const added = kinds.add({ kind: 'book', panel: 'old-books', ...names });
  expect(domainWord({ id, kinds: ['book'] }, trans)).toBe(word);
  added.dispose();
});

it('the panel of another extension may begin with the name of one of ours, or of its other panel', () => {
  const names = { icon: 'file', label: 'book', plural: 'Books' } as const;
  const added = [
    kinds.add({ kind: 'book', panel: 'jobs-extra', ...names }),
    kinds.add({ kind: 'leaf', panel: 'jobs-extra-deep', ...names })
  ];
  const wordOf = (id: string): string => domainWord({ id, kinds: ['book', 'leaf'] }, trans);
  expect(wordOf('mlinfra:jobs-extra-run')).toBe('Jobs extra');
  expect(wordOf('mlinfra:jobs-extra-deep-run')).toBe('Jobs extra deep');
  expect(wordOf('mlinfra:jobs-run')).toBe('«Jobs»');
  added.forEach(one => one.dispose());
});
