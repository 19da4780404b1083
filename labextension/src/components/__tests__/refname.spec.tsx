import { act, screen } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import { RefLink } from '../reflink';
import { Recent } from '../shelf';
import { fakeWorkbench, show } from './workbench';

const ID = '0af7651916cd43dd8448eb211c80319c';

it('a link to a run or job says its name, which is asked for once; the id is seen on hover', async () => {
  const run = jest.fn(async () => ({ name: 'eager-owl' }));
  const jobs = { show: async () => ({ name: 'train' }) };
  const links = (
    <>
      <RefLink reference={`run:${ID}`} />
      <RefLink reference={`run:${ID}`} />
      <RefLink reference="job:7f3a" />
      <RefLink reference="dataset:n.a" />
    </>
  );
  show(fakeWorkbench({ experiments: { run }, jobs }), links);
  expect((await screen.findAllByText('eager-owl')).length).toBe(2);
  expect(run).toHaveBeenCalledTimes(1);
  expect(await screen.findByText('train')).toBeTruthy();
  expect(screen.getByText('n.a')).toBeTruthy();
  expect(screen.getAllByTitle(`run:${ID}`).length).toBeGreaterThan(0);
});

it('a run that is gone is called by the beginning of its id, and not asked for again', async () => {
  jest.useFakeTimers();
  const run = jest.fn(async (): Promise<never> => {
    throw new ApiError('not_found', 'There is no such run.', '', '', 404);
  });
  show(fakeWorkbench({ experiments: { run } }), <RefLink reference={`run:${ID}`} />);
  await act(async () => jest.advanceTimersByTimeAsync(600_000));
  expect(screen.getByText('0af76519')).toBeTruthy();
  expect(run).toHaveBeenCalledTimes(1);
  jest.useRealTimers();
});

it('pages that were opened last are listed by their names', async () => {
  const fake = fakeWorkbench({ experiments: { run: async () => ({ name: 'eager-owl' }) } });
  fake.workbench.shelf.visit(`run:${ID}`);
  show(fake, <Recent name="recent" kinds={['run']} />);
  expect(await screen.findByText('eager-owl')).toBeTruthy();
  expect(document.body.textContent).not.toContain(ID);
});

it('a user, who has no page, is no link that leads nowhere', () => {
  const links = (
    <>
      <RefLink reference="user:ana" />
      <RefLink reference="dataset:n.a" />
    </>
  );
  show(fakeWorkbench({}), links);
  expect(screen.getByText('ana').closest('button')).toBeNull();
  expect(screen.getAllByRole('button')).toHaveLength(1);
});
