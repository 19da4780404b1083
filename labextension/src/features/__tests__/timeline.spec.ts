import { ticksOf } from '../timeline';

const at = (text: string): number => Date.parse(`${text}Z`);
const written = (low: string, high: string): string[] =>
  ticksOf(at(low), at(high)).times.map(time => new Date(time).toISOString().slice(0, 16));

it('ticks of time are whole hours or days between the two ends', () => {
  expect(written('2013-07-12T12:30', '2013-07-13T00:00')).toEqual(
    ['14', '16', '18', '20', '22'].map(hour => `2013-07-12T${hour}:00`).concat('2013-07-13T00:00')
  );
  expect(written('2026-03-01T10:59', '2026-03-01T11:06')).toHaveLength(8);
  expect(written('2026-02-27T03:00', '2026-03-02T03:00')).toEqual(
    ['2026-02-27T12', '2026-02-28T00', '2026-02-28T12', '2026-03-01T00']
      .map(time => `${time}:00`)
      .concat('2026-03-01T12:00', '2026-03-02T00:00')
  );
  expect(ticksOf(at('1990-01-01T00:00'), at('2026-01-01T00:00')).times.length).toBeLessThan(10);
});
