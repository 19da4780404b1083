import { act, fireEvent, screen } from '@testing-library/react';
import React, { useState } from 'react';

import type { IDeployment, ILoggedRequest, ILoggedRequestDetail } from '../../api/types';
import { cells, HOSTILE, press, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { answerOf, Requests, type RowKey } from '../requests';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const DEPLOYMENT = {
  ref: 'deployment:flights',
  name: 'flights',
  versions: [{ version: 'v1' }, { version: 'v2' }]
} as unknown as IDeployment;

const row = (id: string, more: Partial<ILoggedRequest> = {}): ILoggedRequest => ({
  id,
  row: 0,
  at: '2026-01-01T00:00:00.123456Z',
  version: 'v1',
  status: 200,
  latency_ms: 1.5,
  answer: { prediction: 0.25 },
  features: { dep_delay: 4, origin: 'JFK' },
  inputs: 25,
  masked: [],
  label: null,
  why: '',
  ...more
});

const pageOf = (items: readonly ILoggedRequest[], cursor: string | null = null): object => ({
  items,
  shown: items.length,
  total: items.length,
  cursor,
  note: '',
  more: cursor !== null
});

const BODY = { data: { names: ['dep_delay'], ndarray: [[4]] } };

interface IClientMocks {
  requests: jest.Mock;
  request?: jest.Mock;
}

async function opened(deployments: IClientMocks, onTry = jest.fn()): Promise<IFake> {
  const fake = fakeWorkbench({ deployments });
  function Page(): React.ReactElement {
    const [chosen, choose] = useState<RowKey | null>(null);
    return (
      <Requests
        deployment={DEPLOYMENT}
        chosen={chosen}
        onChoose={choose}
        onTry={onTry}
        onBody={jest.fn()}
      />
    );
  }
  show(fake, <Page />);
  await settle();
  return fake;
}

const LABEL = 'Requests to flights';
const button = (name: string): HTMLButtonElement => screen.getByRole('button', { name });
const click = async (name: string): Promise<void> => {
  fireEvent.click(button(name));
  await settle();
};

const lastAsked = (requests: jest.Mock): object => requests.mock.lastCall?.[1] as object;

it('goes to older pages by the cursor of the answer, and back', async () => {
  const requests = jest.fn(async (_: string, { cursor }: { cursor?: string }) =>
    cursor ? pageOf([row('old')]) : pageOf([row('new')], '17.1')
  );
  await opened({ requests });
  expect(button('Newer').disabled).toBe(true);
  await click('Older');
  expect(lastAsked(requests)).toEqual({ cursor: '17.1' });
  expect(cells(LABEL)).toHaveLength(1);
  expect(button('Older').disabled).toBe(true);
  await click('Newer');
  expect(screen.getByText('page 1')).toBeTruthy();
});

it('a label is shown as the number or the name of a class that was reported', async () => {
  const labels = [1, 'late', null];
  await opened({
    requests: jest.fn(async () => pageOf(labels.map((label, n) => row(`r${n}`, { label }))))
  });
  const column = cells(LABEL).map(found => found[5]);
  expect(column).toEqual(['1', 'late', '–']);
});

it('a filter begins at the newest page, and says when nothing fits it', async () => {
  const requests = jest.fn(async (_: string, { outcome }: { outcome?: string }) =>
    outcome ? pageOf([]) : pageOf([row('new')], '17.1')
  );
  await opened({ requests });
  await click('Older');
  fireEvent.change(screen.getByLabelText('status'), { target: { value: 'failed' } });
  await settle();
  expect(lastAsked(requests)).toEqual({ outcome: 'failed' });
  expect(screen.getByText('No request fits this filter.')).toBeTruthy();
});

const detailOf = (more: Partial<ILoggedRequestDetail> = {}): ILoggedRequestDetail => ({
  request: row('r1'),
  body: BODY,
  not_repeatable: '',
  sent: '',
  code: { python: 'ml.deployment("flights").predict(…)' },
  ...more
});

it('a request opens by Enter; its values go to Try It, and its code is copied', async () => {
  const onTry = jest.fn();
  const request = jest.fn(async () => detailOf());
  const { code } = await opened(
    { requests: jest.fn(async () => pageOf([row('r1')])), request },
    onTry
  );
  act(() => screen.getByRole('grid', { name: LABEL }).querySelectorAll('tr')[1]!.focus());
  press('Enter');
  await settle();
  expect(request).toHaveBeenCalledWith(
    'flights',
    expect.objectContaining({ id: 'r1', at: '2026-01-01T00:00:00.123456Z', row: 0 }),
    expect.anything()
  );
  await click('Try It');
  expect(onTry).toHaveBeenCalledWith(BODY);
  await click('Copy as Code');
  expect(code.copy).toHaveBeenCalledWith('ml.deployment("flights").predict(…)');
});

it('a request with values that are not shown cannot be repeated, and says why', async () => {
  const why = 'Values of ssn are not shown in this project.';
  const request = row('r1', { features: { ssn: '•••' }, masked: ['ssn'], inputs: 1 });
  await opened({
    requests: jest.fn(async () => pageOf([request])),
    request: jest.fn(async () => detailOf({ request, body: null, not_repeatable: why, code: {} }))
  });
  fireEvent.click(screen.getByRole('grid', { name: LABEL }).querySelectorAll('tr')[1]!);
  await settle();
  expect([button('Try It').disabled, button('Copy as Code').disabled]).toEqual([true, true]);
  expect(screen.getByText(`Cannot be repeated: ${why}`)).toBeTruthy();
});

it.each(HOSTILE)('a refused request with a reason of %s is shown as it is', async (_what, text) => {
  const refused = row('r1', { status: 400, why: text, answer: {}, features: {}, inputs: 0 });
  await opened({ requests: jest.fn(async () => pageOf([refused])) });
  expect(screen.getByText(text)).toBeTruthy();
});

it('probabilities have the names of their classes; a place has none', () => {
  expect(answerOf(row('r1', { answer: { late: 0.75, 'on time': 0.25 } }))).toBe(
    'late 0.75, on time 0.25'
  );
  expect(answerOf(row('r1', { answer: { prediction: 0.75, prediction_1: 0.25 } }))).toBe(
    '0.75, 0.25'
  );
});
