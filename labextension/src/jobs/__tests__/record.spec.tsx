import { screen } from '@testing-library/react';
import React from 'react';

import type { IJob } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Attempts, Parameters } from '../record';

const JOB = { id: '7f3a', ref: 'job:7f3a', state: 'failed' } as IJob;

it('the parameters of a job are there with the defaults that nobody gave', async () => {
  const values = async (): Promise<object[]> => [
    { name: 'depth', type: 'int', value: 8, given: true },
    { name: 'word', type: 'str', value: 'plane', given: false }
  ];
  show(fakeWorkbench({ jobs: { values } }), <Parameters job={JOB} />);
  await screen.findByText('"plane"');
  expect([...document.querySelectorAll('tbody tr')].map(row => row.textContent)).toEqual([
    'depth8intthis submit',
    'word"plane"strthe notebook'
  ]);
});

it('attempts of one minute are told apart by their seconds', async () => {
  const attempt = (number: number, began_at: string): object => ({
    number,
    began_at,
    ended_at: null,
    reason: ''
  });
  const attempts = async (): Promise<object> => ({
    items: [attempt(2, '2026-01-01T09:00:41Z'), attempt(1, '2026-01-01T09:00:07Z')],
    shown: 2,
    total: 2,
    cursor: null
  });
  show(fakeWorkbench({ jobs: { attempts } }), <Attempts job={JOB} />);
  await screen.findByText(/:41$/);
  expect(
    [...document.querySelectorAll('tbody td:nth-child(2)')].map(({ textContent }) => textContent)
  ).toEqual([expect.stringMatching(/ \d\d:00:41$/), expect.stringMatching(/ \d\d:00:07$/)]);
});
