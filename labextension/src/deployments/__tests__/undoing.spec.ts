import type { IChange, IDeployedVersion } from '../../api/types';
import { undoings } from '../undoing';

const change = (id: number, verb: string, traffic: IChange['traffic']): IChange => ({
  id,
  at: '2026-01-01T00:00:00Z',
  user: 'ana',
  verb,
  text: '',
  reason: '',
  traffic
});

const versions = (...names: string[]): IDeployedVersion[] =>
  names.map(version => ({ version, state: 'ready' }) as unknown as IDeployedVersion);

/** A deploy, a canary that grew, a promotion: newest first. */
const HISTORY = [
  change(4, 'promote', { v1: 0, v2: 100 }),
  change(3, 'traffic', { v1: 90, v2: 10 }),
  change(2, 'deploy', { v1: 100, v2: 0 }),
  change(1, 'deploy', { v1: 100 })
];

describe('a change is undone', () => {
  it('by the traffic before it, and later changes go with it', () => {
    expect(undoings(HISTORY, versions('v1', 'v2'))).toEqual([
      { weights: { v1: 90, v2: 10 }, later: 0 },
      { weights: { v1: 100 }, later: 1 },
      { later: 2, why: 'unmoved' },
      { later: 2, why: 'first' }
    ]);
  });

  it('not once a version that it leads back to is no longer ready', () => {
    expect(undoings(HISTORY, versions('v2'))[0]?.why).toBe('gone');
  });

  it('not once the traffic is as it was before: a roll back did that', () => {
    const after = [change(5, 'rollback', { v1: 90, v2: 10 }), ...HISTORY];
    const found = undoings(after, versions('v1', 'v2'));
    expect(found[0]).toEqual({ weights: { v2: 100 }, later: 0 });
    expect(found[1]?.why).toBe('undone');
  });
});
