import { parametersOf, readTexts } from '../parameters';

const parameters = parametersOf({
  parameters: { depth: 4, name: 'x', sure: true, parts: [1], none: null },
  date: 'day'
});
const read = (texts: Readonly<Record<string, string>>, preset = {}): [unknown, string[]] => {
  const { values, faults } = readTexts(parameters, texts, preset);
  return [values, [...faults.keys()]];
};

describe('parameters in fields', () => {
  it('have the kinds of their defaults, and the date of a run is one of them', () => {
    expect(parameters.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'day date',
      'depth number',
      'name str',
      'sure bool',
      'parts list',
      'none JSON'
    ]);
    expect(
      parametersOf({ parameters: { day: '2026-01-01' }, date: 'day' }).map(({ type }) => type)
    ).toEqual(['date']);
    expect(
      parametersOf({ parameters: { day: '{{ due }}' }, date: 'day' }).map(({ type }) => type)
    ).toEqual(['str']);
  });

  it('are sent where they differ, as values of their kind', () => {
    expect(read({ depth: '4', name: '5', sure: 'false', parts: '[2]' })).toEqual([
      { name: '5', sure: false, parts: [2] },
      []
    ]);
    expect(read({ depth: 'deep', sure: 'no' })).toEqual([{}, ['depth', 'sure']]);
    expect(read({ none: 'plain', depth: '1e20' })).toEqual([{ none: 'plain', depth: 1e20 }, []]);
  });

  it.each([
    ['parts', '[4, 6'],
    ['parts', '4'],
    ['parts', 'four'],
    ['none', '{"a": 1'],
    ['depth', '9007199254740993']
  ])('are refused where they are broken, or would arrive as another value: %s %s', (name, text) => {
    expect(read({ [name]: text })).toEqual([{}, [name]]);
  });

  it('keep what was given and not touched; a template fits any kind', () => {
    expect(read({ depth: '{{ date }}' }, { name: 'y', depth: 5 })).toEqual([
      { name: 'y', depth: '{{ date }}' },
      []
    ]);
    expect(read({ depth: '4' }, { name: 'y', depth: 5 })).toEqual([{ name: 'y' }, []]);
  });
});
