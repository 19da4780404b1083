import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import type { IDeploymentDetail, IExplainedAnswers } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { Explanation, partsOf } from '../explanation';
import { TryIt } from '../tryit';

const EXPLANATION: IExplainedAnswers = {
  version: 'v2',
  method: 'XGBoost’s pred_contribs',
  exact: true,
  scale: 'raw margin',
  inputs: ['distance', 'carrier', 'night'],
  outputs: [''],
  background: 0,
  orders: 0,
  rows: [
    {
      values: [1400, 'UA', null],
      prediction: 0.2,
      contributions: [[0.5, -2, 0.25]],
      errors: null,
      base: [0.1],
      total: [-1.15]
    }
  ],
  milliseconds: 3
};

describe('the parts of an answer', () => {
  it('come by size, whatever their sign', () => {
    expect(partsOf(EXPLANATION, 0).map(({ name, amount }) => [name, amount])).toEqual([
      ['carrier', -2],
      ['distance', 0.5],
      ['night', 0.25]
    ]);
  });

  it('are shown with their values and what they add up to', () => {
    show(fakeWorkbench({}), <Explanation explanation={EXPLANATION} />);
    const items = within(screen.getByRole('list', { name: 'Contributions' })).getAllByRole(
      'listitem'
    );
    expect(items[0]?.textContent).toContain('carrier UA');
    expect(items).toHaveLength(3);
    expect(screen.getByText(/raw margin/).textContent).toContain('base');
  });
});

describe('a known row', () => {
  it('fills the request, and its answer is explained by the version that gave it', async () => {
    const explain = jest.fn(async () => EXPLANATION);
    const onBody = jest.fn();
    const deployments = {
      rows: async () => ({
        items: [{ origin: 'logged', at: '2026-11-28T10:02:33Z', id: 'abc', row: { a: 1, b: 'x' } }],
        shown: 1,
        total: 1,
        cursor: null
      }),
      predict: async () => ({
        version: 'v2',
        predictions: [0.2],
        names: [],
        request_id: 'r',
        milliseconds: 1
      }),
      explain
    };
    const detail = {
      deployment: { name: 'flights' },
      signature: [],
      params: []
    } as unknown as IDeploymentDetail;
    const fake = fakeWorkbench({ deployments });
    show(fake, <TryIt detail={detail} body={'{"data": {}}'} onBody={onBody} />);
    fireEvent.change(await screen.findByLabelText('Fill with'), { target: { value: '0' } });
    expect(JSON.parse(onBody.mock.calls[0][0] as string)).toEqual({
      data: { names: ['a', 'b'], ndarray: [[1, 'x']] }
    });
    fireEvent.click(screen.getByRole('button', { name: 'Explain' }));
    expect(await screen.findByRole('list', { name: 'Contributions' })).toBeTruthy();
    expect(explain).toHaveBeenCalledWith('flights', { data: {} }, 'v2');
  });
});
