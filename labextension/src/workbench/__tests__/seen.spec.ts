import { Seen } from '../../frames';

it('what was drawn once more does not take the place of news', () => {
  const seen = new Seen();
  const [old, news] = [
    { ref: 'job:a', priority: 50 },
    { ref: 'job:a', priority: 60 }
  ];
  seen.note('job:a', old);
  seen.note('job:a', news);
  seen.note('job:a', old);
  expect(seen.of('job:a')).toBe(news);
});

it('an element of an array is not taken for the array', () => {
  const seen = new Seen();
  seen.note('job:arr', { ref: 'job:e1' });
  expect(seen.of('job:arr')).toBeUndefined();
});
