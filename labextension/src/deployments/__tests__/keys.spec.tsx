import { InputDialog } from '@jupyterlab/apputils';
import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IAccessKey, IDeployment } from '../../api/types';
import { cells, pageOf, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { Keys } from '../keys';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const SECRET = 'mlk_secret';
const DEPLOYMENT = { ref: 'deployment:flights', name: 'flights' } as unknown as IDeployment;
const MADE = {
  id: 'k3',
  deployment: 'flights',
  name: 'app',
  expires_at: null,
  key: SECRET,
  pending: 'The gateway takes it within seconds.'
};

const key = (id: string, more: Partial<IAccessKey> = {}): IAccessKey => ({
  id,
  deployment: 'flights',
  name: `name of ${id}`,
  state: 'active',
  created_at: '2026-01-01T00:00:00Z',
  created_by: 'ana',
  expires_at: null,
  revoked_at: null,
  ...more
});

interface IOpened {
  fake: IFake;
  createKey: jest.Mock;
  rotateKey: jest.Mock;
  revokeKey: jest.Mock;
}

async function opened(): Promise<IOpened> {
  const createKey = jest.fn(async () => MADE);
  const rotateKey = jest.fn(async () => MADE);
  const revokeKey = jest.fn(async () => key('k1', { state: 'revoked' }));
  const items = [key('k1'), key('k2', { state: 'revoked', revoked_at: '2026-02-01T00:00:00Z' })];
  const keys = async (): Promise<object> => pageOf(items as never[]);
  const fake = fakeWorkbench({ deployments: { keys, createKey, rotateKey, revokeKey } });
  show(fake, <Keys deployment={DEPLOYMENT} />);
  await settle();
  return { fake, createKey, rotateKey, revokeKey };
}

const answers = (value: unknown, accept = true): never => ({ button: { accept }, value }) as never;

it('a new key is shown once, can be copied, and goes with Hide; nothing keeps it', async () => {
  const { fake, createKey } = await opened();
  fireEvent.change(screen.getByLabelText('for'), { target: { value: ' app ' } });
  fireEvent.change(screen.getByLabelText('expires in'), { target: { value: '90' } });
  fireEvent.submit(screen.getByRole('form', { name: 'New key' }));
  await settle();
  expect(createKey).toHaveBeenCalledWith('flights', 'app', 90);
  const made = screen.getByText(SECRET).closest<HTMLElement>('[role="status"]')!;
  expect(made.textContent).toContain('within seconds');
  fireEvent.click(within(made).getByRole('button', { name: 'Copy' }));
  expect(fake.code.copy).toHaveBeenCalledWith(SECRET);
  fireEvent.click(within(made).getByRole('button', { name: 'Hide' }));
  expect(document.body.textContent).not.toContain(SECRET);
  expect(JSON.stringify([...fake.kept])).not.toContain(SECRET);
});

it('only a key that opens something can be rotated or revoked', async () => {
  await opened();
  expect(cells('Keys of flights').map(row => row.at(-1))).toEqual(['Rotate…Revoke…', '']);
});

it('a key is rotated for the hours, and revoked with the reason, that the dialog was told', async () => {
  const { rotateKey, revokeKey } = await opened();
  jest.spyOn(InputDialog, 'getNumber').mockResolvedValue(answers(2));
  fireEvent.click(screen.getByRole('button', { name: 'Rotate…' }));
  await settle();
  expect(rotateKey).toHaveBeenCalledWith('flights', 'k1', 2);
  expect(screen.getByText(SECRET)).toBeTruthy();
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers(null, false));
  fireEvent.click(screen.getByRole('button', { name: 'Revoke…' }));
  await settle();
  expect(revokeKey).not.toHaveBeenCalled();
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers('lost phone'));
  fireEvent.click(screen.getByRole('button', { name: 'Revoke…' }));
  await settle();
  expect(revokeKey).toHaveBeenCalledWith('flights', 'k1', 'lost phone');
});
