import type { IDeployedVersion } from '../../api/types';
import { type IPlace, testedPlace } from '../deployed';

const place = (deployment: string, ...passed: readonly boolean[]): IPlace => ({
  deployment,
  version: { gates: passed.map(each => ({ passed: each })) } as unknown as IDeployedVersion
});

it('tests that failed in one place are told before those that passed in another', () => {
  const places = [place('untested'), place('good', true), place('bad', true, false)];
  expect(testedPlace(places)?.deployment).toBe('bad');
  expect(testedPlace(places.slice(0, 2))?.deployment).toBe('good');
  expect(testedPlace(places.slice(0, 1))).toBeUndefined();
  expect(testedPlace(undefined)).toBeUndefined();
});
