import { readFileSync } from 'fs';
import { join } from 'path';

import * as format from '../../format';
import { percent, plain } from '../../format';

/**
 * The same cases as those of `tests/core/test_display.py`: what the panels and the command line
 * write is the same.
 */
const CASES = JSON.parse(
  readFileSync(join(__dirname, '../../../../tests/core/formats.json'), 'utf8')
) as Record<
  'number' | 'not finite' | 'datum' | 'compact' | 'percent' | 'bytes' | 'seconds',
  [number | string, string][]
>;

describe('the numbers that Python writes as well', () => {
  beforeAll(() => {
    document.documentElement.lang = 'en';
  });
  it.each(CASES.number)('number %d: %s', (value, text) => expect(format.number(value)).toBe(text));
  it.each(CASES['not finite'])('the word %s: %s', (value, text) =>
    expect(format.number(value)).toBe(text)
  );
  it.each(CASES.datum)('datum %d: %s', (value, text) => expect(format.datum(value)).toBe(text));
  it.each(CASES.compact)('compact %d: %s', (value, text) =>
    expect(format.compact(value)).toBe(text)
  );
  it.each(CASES.percent)('percent %d: %s', (value, text) =>
    expect(format.percent(value)).toBe(text)
  );
  it.each(CASES.bytes)('bytes %d: %s', (value, text) => expect(format.bytes(value)).toBe(text));
  it.each(CASES.seconds)('duration %d: %s', (value, text) =>
    expect(format.duration(value)).toBe(text)
  );
});

describe('percent', () => {
  it.each([
    [0.0245, 2, '2.45 %'],
    [0, 2, '0 %'],
    [1, 2, '100 %'],
    [0.00001, 2, '< 0.01 %'],
    [0.99999, 2, '> 99.99 %'],
    [0.001, 0, '< 1 %'],
    [0.999, 0, '> 99 %'],
    [0.0001, 2, '0.01 %']
  ])(
    'writes %d to %i decimals as %s: what is not nothing, or not all, is not written as such',
    (value, digits, text) => {
      expect(percent(value, digits)).toBe(text);
    }
  );
});

describe('a span of time', () => {
  const now = new Date('2026-11-29T20:00:00');
  it.each([
    ['2026-11-29T18:27:00', '2026-11-29T18:52:00', '18:27 to 18:52'],
    ['2026-11-28T18:27:00', '2026-11-28T18:52:00', '11-28 18:27 to 18:52'],
    ['2026-11-28T18:27:00', '2026-11-29T18:52:00', '11-28 18:27 to 11-29 18:52'],
    ['2025-12-31T18:27:00', '2026-01-01T18:52:00', '2025-12-31 18:27 to 01-01 18:52'],
    ['2026-11-28T18:27:00', null, '11-28 18:27 to –']
  ])('from %s to %s is %s', (start, end, text) =>
    expect(format.ends(start, end, now).join(' to ')).toBe(text)
  );
});

describe('a moment of a column', () => {
  it.each([
    ['2013-12-31T23:59:00', '2013-12-31 23:59'],
    ['2013-12-31T23:59:00Z', '2013-12-31 23:59 UTC'],
    ['2013-12-31T23:59:00.123456+00:00', '2013-12-31 23:59 UTC'],
    ['2013-12-31T23:59:00-05:00', '2013-12-31 23:59 -05:00'],
    ['2013-12-31Tuesday', '2013-12-31Tuesday']
  ])('%s is written %s: with its zone where it has one', (value, text) => {
    expect(plain(value)).toBe(text);
  });
});
