import { InputDialog, Notification } from '@jupyterlab/apputils';
import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IAccessKey, INewKey } from '../../api/types';
import { cells, pageOf, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import DeploymentPage from '../deployment';
import { shownKeys } from '../made';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  shownKeys.of('deployment:flights').forEach(made => shownKeys.hide('deployment:flights', made));
});

const SECRET = 'mlk_secret';
const DETAIL = {
  deployment: {
    ref: 'deployment:flights',
    name: 'flights',
    namespace: 'default',
    target: 'local',
    state: 'healthy',
    url: 'http://127.0.0.1:8090/api/v1.0/predictions',
    urls: { seldon: 'http://127.0.0.1:8090/api/v1.0/predictions' },
    versions: [],
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    requests_by_minute: []
  },
  history: [],
  signature: [],
  params: [],
  answers: null,
  sample: null,
  code: {}
};
const MADE: INewKey = {
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
  /** Close the page. */
  closed: () => void;
}

const tab = async (name: string): Promise<void> => {
  fireEvent.click(screen.getByRole('tab', { name }));
  await settle();
};

/** The Access tab of the page. */
async function opened(detail: object = DETAIL): Promise<IOpened> {
  const createKey = jest.fn(async () => MADE);
  const rotateKey = jest.fn(async () => MADE);
  const revokeKey = jest.fn(async () => key('k1', { state: 'revoked' }));
  const items = [key('k1'), key('k2', { state: 'revoked', revoked_at: '2026-02-01T00:00:00Z' })];
  const keys = async (): Promise<object> => pageOf(items as never[]);
  const none = async (): Promise<object> => pageOf([]);
  const more = { show: async () => detail, history: none, audit: none };
  const fake = fakeWorkbench({ deployments: { keys, createKey, rotateKey, revokeKey, ...more } });
  const page = show(fake, <DeploymentPage reference="deployment:flights" name="flights" />);
  await settle();
  await tab('Access');
  return { fake, createKey, rotateKey, revokeKey, closed: page.unmount };
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
  expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'Access' }));
  expect(JSON.stringify([...fake.kept])).not.toContain(SECRET);
});

it('a key that comes after the tab was left is shown all the same, beside the first one', async () => {
  const { createKey } = await opened();
  let answer: (made: INewKey) => void = () => undefined;
  createKey.mockImplementationOnce(() => new Promise<INewKey>(resolve => (answer = resolve)));
  const submit = (): void => void fireEvent.submit(screen.getByRole('form', { name: 'New key' }));
  submit();
  expect(await screen.findByRole('button', { name: 'Creating…' })).toBeTruthy();
  await tab('Manifest');
  await act(async () => answer({ ...MADE, id: 'k4', key: 'mlk_late' }));
  expect(screen.getByText('mlk_late')).toBeTruthy();
  await tab('Access');
  submit();
  await settle();
  expect(screen.getByText(SECRET)).toBeTruthy();
  expect(screen.getByText('mlk_late')).toBeTruthy();
});

it('the form keeps what was typed until the key is made', async () => {
  jest.spyOn(Notification, 'error').mockReturnValue('');
  const { createKey } = await opened();
  createKey.mockRejectedValueOnce(new Error('no'));
  const typed = (): string[] =>
    ['for', 'expires in'].map(name => screen.getByLabelText<HTMLInputElement>(name).value);
  fireEvent.change(screen.getByLabelText('for'), { target: { value: 'app' } });
  fireEvent.change(screen.getByLabelText('expires in'), { target: { value: '0.5' } });
  for (const left of [
    ['app', '0.5'],
    ['', '']
  ]) {
    fireEvent.submit(screen.getByRole('form', { name: 'New key' }));
    await settle();
    expect(typed()).toEqual(left);
  }
});

it('an address for other machines is told from the local ones', async () => {
  await opened();
  expect(document.body.textContent).toContain('this machine only (127.0.0.1)');
  document.body.innerHTML = '';
  const urls = { ...DETAIL.deployment.urls, public: 'https://host:8443/api/v1.0/predictions' };
  await opened({
    ...DETAIL,
    deployment: { ...DETAIL.deployment, urls },
    gateway: { public: '0.0.0.0:8443', open: true, problems: [] }
  });
  const text = document.body.textContent;
  expect(text).toContain('Seldon v1, REST, for other machines');
  expect(text).toContain('whoever reaches host');
  expect(text).not.toContain('this machine only');
  expect(text).not.toContain('0.0.0.0');
});

it('only a key that opens something can be rotated or revoked', async () => {
  await opened();
  expect(cells('Keys of flights').map(row => row.at(-1))).toEqual(['Rotate…Revoke…', '']);
});

it('a key is rotated for the hours, and revoked with the reason, that the dialog was told', async () => {
  const { rotateKey, revokeKey } = await opened();
  jest.spyOn(InputDialog, 'getNumber').mockResolvedValueOnce(answers(2));
  fireEvent.click(screen.getByRole('button', { name: 'Rotate…' }));
  await settle();
  expect(rotateKey).toHaveBeenCalledWith('flights', 'k1', 2);
  expect(screen.getByText(SECRET)).toBeTruthy();
  jest.spyOn(InputDialog, 'getNumber').mockResolvedValueOnce(answers(NaN));
  rotateKey.mockResolvedValueOnce({ ...MADE, id: 'k5' });
  fireEvent.click(screen.getByRole('button', { name: 'Rotate…' }));
  await settle();
  expect(rotateKey).toHaveBeenLastCalledWith('flights', 'k1', 24);
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers(null, false));
  fireEvent.click(screen.getByRole('button', { name: 'Revoke…' }));
  await settle();
  expect(revokeKey).not.toHaveBeenCalled();
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers('lost phone'));
  fireEvent.click(screen.getByRole('button', { name: 'Revoke…' }));
  await settle();
  expect(revokeKey).toHaveBeenCalledWith('flights', 'k1', 'lost phone');
});

it('without a key in its arguments a command asks which of those that are valid', async () => {
  const { fake, revokeKey } = await opened();
  const choose = jest.spyOn(InputDialog, 'getItem').mockResolvedValueOnce(answers('name of k1'));
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers(''));
  const { commands } = fake.workbench;
  await act(async () => {
    await commands.execute('mlinfra:deployments-revoke-key', { ref: 'deployment:flights' });
  });
  expect(choose.mock.calls[0]?.[0].items).toEqual(['name of k1']);
  expect(revokeKey).toHaveBeenCalledWith('flights', 'k1', '');
});

it('a key that is made from the palette is shown by the page, which is kept, until it is hidden', async () => {
  const { fake, createKey, closed } = await opened();
  const { commands } = fake.workbench;
  const create = async (): Promise<void> => {
    jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers(' app '));
    jest.spyOn(InputDialog, 'getNumber').mockResolvedValueOnce(answers(0));
    await act(async () => {
      await commands.execute('mlinfra:deployments-create-key', { ref: 'deployment:flights' });
    });
  };
  await create();
  expect(createKey).toHaveBeenCalledWith('flights', 'app', null);
  expect(screen.getByText(SECRET)).toBeTruthy();
  expect(fake.open).not.toHaveBeenCalled();
  expect(fake.keep).toHaveBeenCalledWith('deployment:flights');
  closed();
  createKey.mockResolvedValueOnce({ ...MADE, id: 'k4', key: 'mlk_late' });
  await create();
  expect(fake.open).toHaveBeenCalledWith('deployment:flights');
  expect(fake.keep).toHaveBeenCalledTimes(2);
  const page = <DeploymentPage reference="deployment:flights" name="flights" />;
  const again = show(fake, page);
  await settle();
  expect([SECRET, 'mlk_late'].map(text => screen.getAllByText(text).length)).toEqual([1, 1]);
  fireEvent.click(screen.getAllByRole('button', { name: 'Hide' })[0]!);
  again.unmount();
  show(fake, page);
  expect(screen.queryByText(SECRET)).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: 'Hide' }));
  expect(document.body.textContent).not.toContain('mlk_');
});

it.each([NaN, -1, null])('days of %p create no key: it would never expire', async days => {
  const refused = jest.spyOn(Notification, 'error').mockReturnValue('');
  const { fake, createKey } = await opened();
  jest.spyOn(InputDialog, 'getText').mockResolvedValueOnce(answers('app'));
  jest.spyOn(InputDialog, 'getNumber').mockResolvedValueOnce(answers(days));
  await act(async () => {
    await fake.workbench.commands.execute('mlinfra:deployments-create-key', {
      ref: 'deployment:flights'
    });
  });
  expect(createKey).not.toHaveBeenCalled();
  expect(refused.mock.calls[0]?.[0]).toContain('No key was created');
});
