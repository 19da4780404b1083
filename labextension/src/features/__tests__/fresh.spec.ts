import { nullTranslator } from '@jupyterlab/translation';

import type { IView } from '../../api/types';
import * as format from '../../format';
import { isHistorical, onlineWords } from '../fresh';

const trans = nullTranslator.load('jupyter_mlinfra');
const NOW = Date.parse('2026-11-24T12:00:00Z');
const view = (more: Partial<IView>): IView =>
  ({ freshness: 'fresh', online_at: null, ...more }) as IView;

describe('how new the values online are', () => {
  it('is an age while someone waits for newer ones', () => {
    const fresh = view({ online_at: '2026-11-24T11:22:00Z' });
    expect(onlineWords(fresh, trans, NOW)).toBe('online fresh, 38 min');
    expect(isHistorical(fresh, NOW)).toBe(false);
  });

  it('is a day where the data are of the past: nothing is both fresh and twelve years old', () => {
    const old = view({ online_at: '2013-12-31T12:00:00Z' });
    expect(onlineWords(old, trans, NOW)).toBe('online · data until 2013-12-31');
  });

  it('is left to the word of the state for what is expired or was never online', () => {
    expect(
      onlineWords(view({ freshness: 'expired', online_at: '2013-12-31T12:00:00Z' }), trans, NOW)
    ).toBeUndefined();
    expect(onlineWords(view({ freshness: 'never' }), trans, NOW)).toBeUndefined();
  });
});

describe('numbers beside each other', () => {
  it('have one number of decimals; whole ones have none', () => {
    expect(format.alike([0.8054, 0.791])).toEqual(['0.8054', '0.7910']);
    expect(format.alike([2911, 2956])).toEqual(['2,911', '2,956']);
    expect(format.alike([0.5, null, 'x'])).toEqual(['0.5000', format.DASH, 'x']);
  });

  it('are written by themselves where one of them is too small for it', () => {
    expect(format.alike([0.5, 1e-9])).toEqual(['0.5', '1.000e-9']);
  });
});
