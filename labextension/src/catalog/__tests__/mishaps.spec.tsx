import { Dialog, InputDialog, showDialog } from '@jupyterlab/apputils';
import { screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IDataset } from '../../api/types';
import { cleanAll, exportContract, exportRows, mend, purge, verify } from '../mishaps';
import { Verified } from '../verified';

jest.mock('@jupyterlab/apputils', (): object => ({
  ...jest.requireActual<object>('@jupyterlab/apputils'),
  InputDialog: { getText: jest.fn() },
  showDialog: jest.fn()
}));

const DATASET = { ref: 'dataset:n.a', name: 'n.a', domain: '' } as IDataset;
const FILE = '/lake/n/a/data/one.parquet';
const job = (state: string): object => ({ id: 'j', ref: 'job:j', name: 'verify n.a', state });
const found = (change: object = {}): object => ({
  ...{ dataset: 'n.a', snapshot: '1', files: 2, checked: 2, damaged: [], unchecked: [] },
  ...{ note: '', set_aside: [], rows_lost: 0, put_back: [], still_out: [], now: null },
  ...change
});
const verified = (
  change: object,
  out: string[] = [],
  at: string | null = '2026-11-30'
): object => ({
  ...{ dataset: 'n.a', at, found: found(change), still_out: out }
});
const damaged = { damaged: [{ file: FILE, why: 'it is not what was written' }] };

const call = (client: object, args: object = {}): Parameters<typeof verify>[0] => ({
  workbench: fakeWorkbench(client).workbench,
  ref: 'dataset:n.a',
  name: 'n.a',
  item: undefined,
  args: args as Parameters<typeof verify>[0]['args']
});

const answer = (accept: boolean): void => {
  const button = accept ? Dialog.okButton() : Dialog.cancelButton();
  jest.mocked(showDialog).mockResolvedValue({ button, isChecked: null, value: null });
};
const typed = (value: string | null): void =>
  void jest
    .mocked(InputDialog.getText)
    .mockResolvedValue({ button: Dialog.okButton(), isChecked: null, value });

describe('the files of a dataset', () => {
  it('names a damaged file and offers to set it aside, and nothing to put back', async () => {
    const fake = fakeWorkbench({ catalog: { verified: async () => verified(damaged) } });
    show(fake, <Verified dataset={DATASET} />);
    expect(await screen.findByText('one.parquet')).toBeTruthy();
    expect(screen.getByText('it is not what was written')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Set Aside…' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Put Back' })).toBeNull();
    expect(document.querySelector('[data-state=failed]')).toBeTruthy();
  });

  it('offers to put back what is set aside, once', async () => {
    const catalog = { verified: async () => verified(damaged, [FILE]) };
    show(fakeWorkbench({ catalog }), <Verified dataset={DATASET} />);
    expect(await screen.findAllByText('one.parquet')).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Put Back' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Set Aside…' })).toBeNull();
  });

  it('says which file is damaged; the job that found it has failed', async () => {
    const states = [verified({}, [], null), verified(damaged)];
    const client = {
      catalog: { verified: async () => states.shift(), verify: async () => job('failed') }
    };
    await expect(verify(call(client))).rejects.toMatchObject({
      what: 'n.a is damaged: one.parquet.'
    });
  });

  it('does not take an earlier result for that of a job that could not read', async () => {
    const client = {
      catalog: { verified: async () => verified(damaged), verify: async () => job('failed') }
    };
    await expect(verify(call(client))).rejects.toMatchObject({ what: 'verify n.a: failed.' });
  });

  it('sets nothing aside before the user agrees', async () => {
    const set = jest.fn(async () => job('succeeded'));
    const states = [verified(damaged), verified({ ...damaged, set_aside: [FILE] }, [FILE], 'now')];
    const client = { catalog: { verified: async () => states.shift(), verify: set } };
    answer(false);
    expect(await verify(call(client, { what: 'quarantine' }))).toBeNull();
    expect(set).not.toHaveBeenCalled();
    answer(true);
    expect(await verify(call(client, { what: 'quarantine' }))).toMatchObject({
      message: '1 file of n.a is set aside.'
    });
    expect(set).toHaveBeenCalledWith('n.a', 'quarantine');
  });
});

it('a deleted dataset is purged only after a question', async () => {
  const purged = jest.fn(async () => job('succeeded'));
  answer(false);
  expect(await purge(call({ catalog: { purge: purged } }, { trashed: 7 }))).toBeNull();
  expect(purged).not.toHaveBeenCalled();
  answer(true);
  await purge(call({ catalog: { purge: purged } }, { trashed: 7 }));
  expect(purged).toHaveBeenCalledWith(7);
});

it('rows that did not fit go to the file that the user names, and come back from it', async () => {
  const exported = jest.fn(async () => ({ rows: 3 }));
  const mended = jest.fn(async () => job('succeeded'));
  const client = { catalog: { exportRows: exported, mend: mended } };
  typed(null);
  expect(await exportRows(call(client))).toBeNull();
  typed(' bad.csv ');
  expect(await exportRows(call(client))).toMatchObject({
    message: '3 rows are in bad.csv: mend them there, then ingest them.'
  });
  await mend(call(client));
  expect([exported.mock.calls, mended.mock.calls]).toEqual([
    [['n.a', 'bad.csv']],
    [['n.a', 'bad.csv']]
  ]);
});

it('a contract says what it cannot say', async () => {
  const contract = jest.fn(async () => ({ rules: 2, left_out: ['fresh: no words for it'] }));
  typed('a.yaml');
  expect(await exportContract(call({ catalog: { contract } }))).toMatchObject({
    message: 'a.yaml has 2 rules of n.a.\nleft out: fresh: no words for it'
  });
  expect(contract).toHaveBeenCalledWith('n.a', 'export', 'a.yaml');
});

it('the files of all datasets are deleted only after a question, and none where there are none', async () => {
  const clean = jest.fn(async () => job('succeeded'));
  const client = (items: object[]): object => ({
    catalog: { orphansOfAll: async () => ({ items }), cleanAll: clean }
  });
  const ask = (items: object[]): Promise<void> => cleanAll(fakeWorkbench(client(items)).workbench);
  const some = [{ orphans_total: 2, bytes: 9 }];
  answer(true);
  await ask([{ orphans_total: 0, bytes: 0, note: 'it cannot be read' }]);
  answer(false);
  await ask(some);
  expect(clean).not.toHaveBeenCalled();
  answer(true);
  await ask(some);
  expect(clean).toHaveBeenCalledTimes(1);
});
