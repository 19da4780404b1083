import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import FeaturesPanel from '../panel';

const none = { items: [], shown: 0, total: 0 };

/** The panel with the form open; what is sent, each answered with a job in that state. */
function defining(state: string): { sent: unknown[][] } {
  const sent: unknown[][] = [];
  const fake = fakeWorkbench({
    features: {
      views: async () => none,
      services: async () => none,
      define: async (...body: unknown[]) => {
        sent.push(body);
        return { id: 'j1', name: 'define', state, reason: 'no column spend' };
      }
    },
    catalog: { list: async () => none }
  });
  show(fake, <FeaturesPanel />);
  fireEvent.click(screen.getByRole('button', { name: 'Define…' }));
  return { sent };
}

const type = (label: string, value: string): void => {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
};

it('sends the file and closes when the definitions are applied', async () => {
  const { sent } = defining('succeeded');
  type('File', 'Stats');
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Define' }).disabled).toBe(true);
  type('File', 'stats');
  type('Feast definitions', 'x = 1');
  await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'Define' })));
  expect(sent).toEqual([['stats', 'x = 1']]);
  await waitFor(() => expect(screen.queryByLabelText('File')).toBeNull());
});

it('keeps the text where the definitions are refused', async () => {
  defining('failed');
  type('Feast definitions', 'x = 2');
  await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'Define' })));
  expect(screen.getByLabelText<HTMLTextAreaElement>('Feast definitions').value).toBe('x = 2');
});
