import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import FeaturesPanel from '../panel';
import { define } from '../verbs';

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
    catalog: { list: async () => none },
    code: async ({ values }: { values: { dataset: string } }) => ({
      python: `stats = FeatureView(\n    source="${values.dataset}",\n)\n`
    })
  });
  show(fake, <FeaturesPanel />);
  fireEvent.click(screen.getByRole('button', { name: 'Define…' }));
  return { sent };
}

const type = (label: string, value: string): void => {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
};

it('opens by a command too, wherever the panel is', async () => {
  const fake = fakeWorkbench({
    features: { views: async () => none, services: async () => none },
    catalog: { list: async () => none },
    code: async () => ({})
  });
  const execute = jest.spyOn(fake.workbench.commands, 'execute').mockResolvedValue(undefined);
  show(fake, <FeaturesPanel />);
  expect(screen.queryByRole('form', { name: 'Define feature views' })).toBeNull();
  await act(() => define(fake.workbench));
  expect(screen.getByRole('form', { name: 'Define feature views' })).toBeTruthy();
  expect(execute).toHaveBeenCalledWith('mlinfra:features-show');
});

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

it('keeps the text where the definitions are refused, and says why', async () => {
  defining('failed');
  type('Feast definitions', 'x = 2');
  await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'Define' })));
  expect(screen.getByLabelText<HTMLTextAreaElement>('Feast definitions').value).toBe('x = 2');
  expect(screen.getByRole('alert').textContent).toContain('no column spend');
});

it('starts from a dataset, below a text that was changed', async () => {
  const { sent } = defining('failed');
  const start = screen.getByRole<HTMLButtonElement>('button', { name: 'Start from It' });
  const press = (): Promise<void> => act(async () => void fireEvent.click(start));
  const written = (): string =>
    screen.getByLabelText<HTMLTextAreaElement>('Feast definitions').value;
  type('Dataset', 'shop');
  expect(start.disabled).toBe(true);
  type('Dataset', 'shop.stats');
  await press();
  expect(written()).toBe('stats = FeatureView(\n    source="shop.stats",\n)\n');
  expect(screen.getByLabelText<HTMLInputElement>('File').value).toBe('stats');
  type('Dataset', 'shop.other');
  const form = screen.getByRole('form', { name: 'Define feature views' });
  await act(async () => void fireEvent.submit(form)); // Enter in the field
  expect(sent).toEqual([]);
  expect(written()).not.toContain('shop.stats');
  type('Feast definitions', '# mine\n');
  await press();
  expect(written()).toMatch(/^# mine\n\nstats = FeatureView.*\n.*shop.other/);
});
