import { nullTranslator } from '@jupyterlab/translation';

import { cronOf, EVERY, sentenceOf } from '../cron';
import { nearest, dueWords, untilWords, whenShort, whenWords, zoneName } from '../due';
import { changed, factsOf, faultsOf, nameFor, startForm } from '../scheduleForm';

const trans = nullTranslator.load('jupyter_mlinfra');

describe('a sentence and its cron text', () => {
  it.each([
    ['0 6 * * 1-5', 'weekday', '06:00'],
    ['30 18 * * *', 'day', '18:30'],
    ['5 * * * *', 'hour', '00:05'],
    ['0 6 * * 0', 'week', '06:00'],
    ['0 7 31 * *', 'month', '07:00']
  ])('%s', (cron, every, time) => {
    const sentence = sentenceOf(cron);
    expect([sentence.every, sentence.time]).toEqual([every, time]);
    expect(cronOf(sentence)?.replace('* 7', '* 0')).toBe(cron);
  });

  it.each([
    '*/5 * * * *',
    '0 6,18 * * *',
    '0 6 1 1 *',
    '0 6 1 * 1',
    '0 6 * * 2-4',
    'hello',
    '0 6 * * * *',
    '* 6 * * *'
  ])('%s says more than a sentence can', cron => {
    expect(sentenceOf(cron).every).toBe('other');
  });

  it('has no cron text at a time that is none', () => {
    for (const every of EVERY) {
      expect(cronOf({ every, time: '24:00', weekday: 1, day: 1 })).toBeNull();
      expect(cronOf({ every, time: '', weekday: 1, day: 1 })).toBeNull();
    }
  });
});

describe('a due time', () => {
  it('is shown by the clock of its own zone, whatever the zone of the reader', () => {
    expect(dueWords('2026-11-25T06:00:00+01:00')).toBe('Wed, Nov 25 06:00');
    expect(dueWords('2026-11-25T23:30:00-11:00')).toBe('Wed, Nov 25 23:30');
  });

  it('is so far away', () => {
    const now = Date.parse('2026-11-24T22:00:00Z');
    expect(untilWords('2026-11-25T06:00:00+01:00', trans, now)).toBe('in 7 h');
    expect(untilWords('2026-11-24T22:00:00Z', trans, now)).toBe('now');
  });

  it('is said of the schedule that is due next, whatever its name', () => {
    const [late, soon, never] = ['2026-11-26T06:00:00+09:00', '2026-11-25T20:00:00Z', ''].map(
      at => ({
        next: at ? [at] : []
      })
    );
    expect(nearest([never, late, soon].flatMap(item => item ?? []))).toBe(soon);
    expect(nearest([])).toBeUndefined();
  });

  it('has words for what is due', () => {
    expect(whenWords({ cron: '0 6 * * 1-5', tz: 'Europe/Paris' }, trans)).toBe(
      'every weekday at 06:00 in Europe/Paris'
    );
    expect(whenWords({ cron: '*/5 * * * *', tz: 'UTC' }, trans)).toBe('cron */5 * * * * in UTC');
    expect(whenShort({ cron: '0 6 * * 7', tz: 'America/New_York' })).toBe('Sun 06:00 New York');
    expect(zoneName('UTC')).toBe('UTC');
  });
});

describe('the schedule form', () => {
  it('keeps sentence and cron in step', () => {
    const form = startForm('pipeline:churn');
    const sentence = { ...form.sentence, every: 'weekday' as const, time: '18:30' };
    const evening = { ...form, ...changed(form, { sentence }) };
    expect(evening.cron).toBe('30 18 * * 1-5');
    expect(changed(evening, { cron: '*/5 * * * *' }).sentence?.every).toBe('other');
    expect(changed(evening, { sentence: { ...evening.sentence, time: '' } }).cron).toBe(
      '30 18 * * 1-5'
    );
  });

  it('sends a pipeline, or a job with what its form said', () => {
    expect(factsOf(startForm('pipeline:churn'))).toMatchObject({
      pipeline: 'churn',
      grace_seconds: 21600
    });
    expect(factsOf(startForm('file:a/b c.ipynb'), { gpus: 1 })).toMatchObject({
      job: { notebook: 'a/b c.ipynb', gpus: 1 }
    });
  });

  it('says what is at fault', () => {
    const form = startForm('');
    expect(
      [...faultsOf({ ...form, name: 'a b', cron: '0 6 *', grace: '-1', tz: ' ' })].sort()
    ).toEqual(['cron', 'grace', 'name', 'tz', 'what'].sort());
    expect(faultsOf(startForm('pipeline:churn')).size).toBe(0);
  });

  it('gives a name that a schedule may have', () => {
    expect(nameFor('file:a/Träin it.ipynb')).toBe('Tr-in-it-daily');
    expect(nameFor('file:$(touch x) `y`.ipynb')).toBe('file-touch-x-y-daily');
  });
});
