import type { TranslationBundle } from '@jupyterlab/translation';

import { allKinds } from '../../__tests__/kinds';
import { domainWord } from '../domains';

const trans = { __: (text: string) => `«${text}»` } as unknown as TranslationBundle;

it('the palette shows the domain of each of our actions in the language of the user', () => {
  const words = allKinds
    .flatMap(({ actions }) => actions ?? [])
    .map(({ id }) => domainWord(id, trans));
  expect(words).toContain('«Jobs»');
  expect(words.filter(word => !word.startsWith('«'))).toEqual([]);
});

it('a domain of another extension is called by its name', () => {
  expect(domainWord('mlinfra:books-read', trans)).toBe('Books');
});
