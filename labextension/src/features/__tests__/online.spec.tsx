import { act, fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Backfill } from '../backfill';
import { Online } from '../online';

const detail = {
  view: { ref: 'view:homes', name: 'homes', kind: 'batch', dataset: 'ns.homes' },
  join_keys: ['zip'],
  asks: [],
  timestamp_column: 'at',
  rows: { value: 300 },
  windows: []
} as never;
const rows = {
  columns: [{ name: 'zip' }, { name: 'price' }],
  data: [
    ['02134', '02134', '90210'],
    [1, 2, 3]
  ],
  masked: []
};
const explain = async (): Promise<object> => ({ taken: { values: { price: 1021.5 } }, note: '' });
const row = {
  entity: { zip: '02134' },
  values: { 'homes:price': 1021.3456 },
  status: { 'homes:price': 'PRESENT' },
  event_at: { 'homes:price': null }
};

/** The form with a key typed in, and the look-up that it asks for. */
function filled(): { online: jest.Mock; answer: () => Promise<void>; press: () => void } {
  let done: (rows: readonly object[]) => void = () => undefined;
  const online = jest.fn(() => new Promise<readonly object[]>(resolve => (done = resolve)));
  const catalog = { rows: async () => rows };
  show(fakeWorkbench({ features: { online, explain }, catalog }), <Online detail={detail} />);
  fireEvent.change(screen.getByLabelText('zip'), { target: { value: ' 02134 ' } });
  const form = screen.getByRole('button', { name: 'Look Up' }).closest('form')!;
  return {
    online,
    answer: () => act(async () => done([row])),
    press: () => fireEvent.submit(form)
  };
}

describe('a look-up', () => {
  it('has the columns of the request that a view on demand needs', () => {
    const online = jest.fn(async () => []);
    const computed = { ...(detail as object), asks: ['hour'] } as never;
    show(
      fakeWorkbench({ features: { online, explain }, catalog: {} }),
      <Online detail={computed} />
    );
    fireEvent.change(screen.getByLabelText('zip'), { target: { value: '02134' } });
    fireEvent.change(screen.getByLabelText('hour'), { target: { value: '3' } });
    fireEvent.submit(screen.getByRole('button', { name: 'Look Up' }).closest('form')!);
    const entity = { zip: '02134', hour: '3' };
    expect(online).toHaveBeenCalledWith(['homes:*'], [entity], expect.anything());
  });

  it('sends a key as it was typed: digits alone are no number where the key is text', () => {
    const { online, press } = filled();
    press();
    expect(online).toHaveBeenCalledWith(['homes:*'], [{ zip: '02134' }], expect.anything());
  });

  it('is one, however often the button is pressed, and the button says that it is under way', async () => {
    const { online, answer, press } = filled();
    press();
    press();
    expect(online).toHaveBeenCalledTimes(1);
    const button = screen.getByText<HTMLButtonElement>(/^Look/).closest('button')!;
    expect([button.textContent, button.disabled]).toEqual(['Looking Up…', true]);
    await answer();
    expect([button.textContent, button.disabled]).toEqual(['Look Up', false]);
    expect(screen.getByText('price')).toBeTruthy();
    expect(screen.getByText('1021.3456')).toBeTruthy();
    expect(await screen.findByText('1021.5')).toBeTruthy();
    expect(screen.getByText('differs')).toBeTruthy();
  });

  it('offers each key of the last rows once', async () => {
    const { online } = filled();
    fireEvent.click(await screen.findByRole('button', { name: '90210' }));
    expect(online).toHaveBeenCalledWith(['homes:*'], [{ zip: '90210' }], expect.anything());
    expect(screen.getAllByTitle('Ask for this key')).toHaveLength(2);
  });
});

describe('a backfill', () => {
  it('asks for the range in parts, and opens its job', async () => {
    const materialize = jest.fn(async () => ({ ref: 'job:1' }));
    const workbench = fakeWorkbench({ features: { materialize } });
    const open = jest.spyOn(workbench, 'open');
    show(workbench, <Backfill view={{ name: 'homes', ref: 'view:homes' } as never} />);
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Backfill' });
    expect(button.disabled).toBe(true);
    fireEvent.change(screen.getByLabelText('since'), { target: { value: '2013-01-01' } });
    await act(async () => {
      fireEvent.submit(button.closest('form')!);
    });
    expect(materialize).toHaveBeenCalledWith('homes', {
      start: '2013-01-01T00:00:00Z',
      every: '1d'
    });
    expect(open).toHaveBeenCalledWith('job:1');
  });
});
