import { Widget } from '@lumino/widgets';
import { act } from '@testing-library/react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { IPanelSpec } from '../../tokens';
import { showBadge } from '../badge';
import { firingUse } from '../counts';

const settle = (): Promise<void> => act(async () => jest.advanceTimersByTimeAsync(2_000));

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('the icon of a panel shows how many alerts fire, and nothing once none does', async () => {
  let total = 2;
  const alerts = jest.fn(async () => ({ items: [], shown: 0, total }));
  const { workbench, emit } = fakeWorkbench({ monitoring: { alerts } });
  const { title } = new Widget();
  title.dataset = { id: 'jp-mlinfra-models' };
  const badge = showBadge(title, { title: 'Models' } as IPanelSpec, {
    use: () => firingUse(workbench),
    words: count => `${count} alerts firing`
  });
  await settle();
  expect(title.dataset).toEqual({ id: 'jp-mlinfra-models', 'mlinfra-badge': '2' });
  expect(title.caption).toBe('Models: 2 alerts firing');
  total = 0;
  emit({ topic: 'alert', ref: 'alert:flights/drift', data: {} });
  await settle();
  expect(title.dataset).toEqual({ id: 'jp-mlinfra-models' });
  expect(title.caption).toBe('Models');
  await act(async () => jest.advanceTimersByTimeAsync(300_000));
  expect(alerts).toHaveBeenCalledTimes(2);
  badge.dispose();
  emit({ topic: 'alert', ref: 'alert:flights/drift', data: {} });
  await settle();
  expect(alerts).toHaveBeenCalledTimes(2);
});
