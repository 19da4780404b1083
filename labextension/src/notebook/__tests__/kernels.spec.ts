import type { Session } from '@jupyterlab/services';

import { named } from '../kernels';

describe('the kernel of a notebook', () => {
  it('is found by the file name, in whatever folder, and by no part of it', () => {
    const sessions = ['eda.ipynb', 'work/eda.ipynb', 'my eda.ipynb', 'eda.ipynb.txt'].map(
      path => ({ id: path, path }) as Session.IModel
    );
    expect(named(sessions, 'eda.ipynb').map(({ path }) => path)).toEqual([
      'eda.ipynb',
      'work/eda.ipynb'
    ]);
    expect(named(sessions, 'other.ipynb')).toEqual([]);
  });
});
