import { fireEvent, screen, within } from '@testing-library/react';
import React, { useState } from 'react';

import type { IDeploymentDetail } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { bodyText } from '../body';
import {
  firstRow,
  givenParams,
  inputsOf,
  paramsOf,
  TryForm,
  valueOf,
  withParam,
  withRow,
  withValue
} from '../tryform';

const signature = (...items: [string, string, boolean][]): IDeploymentDetail['signature'] =>
  items.map(([name, type, required]) => ({ name, type, required }));

const SIGNATURE = signature(
  ['distance', 'double', true],
  ['carrier', 'string', true],
  ['departs', 'datetime', false],
  ['night', 'boolean', true]
);

const BODY = bodyText({
  data: {
    names: ['distance', 'carrier', 'departs', 'night'],
    ndarray: [
      [1000.5, 'UA', null, true],
      [5, 'DL', null, false]
    ]
  }
});

describe('the inputs that fields can hold', () => {
  it('are those of plain types', () => {
    expect(inputsOf(SIGNATURE)?.map(input => input.required)).toEqual([true, true, false, true]);
    expect(inputsOf(signature(['tags', 'array', true]))).toBeNull();
    expect(inputsOf(signature(['image', 'tensor', true]))).toBeNull();
    expect(inputsOf([])).toBeNull();
  });
});

describe('the parameters of the model', () => {
  const params = paramsOf([
    { name: 'factor', type: 'double', list: false, default: 2 },
    { name: 'names', type: 'string', list: true, default: [] },
    { name: 'size', type: 'object', list: false, default: {} }
  ]);
  const body = bodyText({
    data: { names: ['a'], ndarray: [[1]] },
    meta: { puid: 'x', tags: { params: { factor: 2, names: ['z'] } } }
  });

  it('have a field that changes them, and leaves them out when it is empty', () => {
    expect(params.map(({ name }) => name)).toEqual(['factor']);
    const onBody = jest.fn();
    show(
      fakeWorkbench(),
      <TryForm
        inputs={[{ name: 'a', type: 'long', required: true }]}
        params={params}
        body={body}
        onBody={onBody}
      />
    );
    const field = screen.getByLabelText(/factor/);
    expect(field).toHaveProperty('value', '2');
    fireEvent.change(field, { target: { value: '0.5' } });
    const changed = String(onBody.mock.calls[0]?.[0]);
    expect(JSON.parse(changed)).toEqual({
      data: { names: ['a'], ndarray: [[1]] },
      meta: { puid: 'x', tags: { params: { factor: 0.5, names: ['z'] } } }
    });
    fireEvent.change(field, { target: { value: '' } });
    expect(givenParams(String(onBody.mock.calls[1]?.[0]))).toEqual({ names: ['z'] });
  });

  it('stay when a known row is taken, and are added where there were none', () => {
    const taken = withRow(body, { b: 7 });
    expect(firstRow(taken)).toEqual(new Map([['b', 7]]));
    expect(givenParams(taken)).toEqual({ factor: 2, names: ['z'] });
    expect(givenParams(withParam(BODY, 'factor', 3))).toEqual({ factor: 3 });
    expect(JSON.parse(withRow(BODY, { b: 7 }))).toEqual({ data: { names: ['b'], ndarray: [[7]] } });
    expect(withParam('[', 'factor', 3)).toBe('[');
  });
});

describe('a value in the first row', () => {
  it('changes there alone', () => {
    const body = JSON.parse(withValue(BODY, 'carrier', 'AA')) as {
      data: { ndarray: unknown[][] };
    };
    expect(body.data.ndarray).toEqual([
      [1000.5, 'AA', null, true],
      [5, 'DL', null, false]
    ]);
  });

  it('is added with its column where the request left it out', () => {
    const body = bodyText({ data: { names: ['a'], ndarray: [[1], [2]] }, meta: { puid: 'x' } });
    expect(JSON.parse(withValue(body, 'b', 3))).toEqual({
      data: {
        names: ['a', 'b'],
        ndarray: [
          [1, 3],
          [2, null]
        ]
      },
      meta: { puid: 'x' }
    });
  });

  it('is not there in a request of another form', () => {
    for (const body of ['{', '{"jsonData": {}}', '{"data": {"ndarray": [[1]]}}', 'null', '[]']) {
      expect(firstRow(body)).toBeNull();
      expect(withValue(body, 'a', 1)).toBe(body);
    }
  });
});

describe('the text of a field', () => {
  it.each([
    ['double', '1.5', 1.5],
    ['long', ' 7 ', 7],
    ['double', '', null],
    ['double', '1e999', '1e999'],
    ['double', 'far', 'far'],
    ['string', '', ''],
    ['string', '007', '007'],
    ['datetime', '', null]
  ])('%s %p means %p', (type, text, value) => {
    expect(valueOf(type, text)).toBe(value);
  });
});

function Held({ onBody }: { onBody: (body: string) => void }): React.ReactElement {
  const [body, setBody] = useState(BODY);
  return (
    <TryForm
      inputs={inputsOf(SIGNATURE) ?? []}
      body={body}
      onBody={text => {
        setBody(text);
        onBody(text);
      }}
    />
  );
}

describe('the form', () => {
  it('has a field for each input and writes the request', () => {
    const bodies: string[] = [];
    show(fakeWorkbench(), <Held onBody={text => bodies.push(text)} />);
    const distance = screen.getByLabelText<HTMLInputElement>('distance');
    expect(distance.value).toBe('1000.5');
    fireEvent.change(distance, { target: { value: '12' } });
    fireEvent.change(screen.getByLabelText('night'), { target: { value: 'false' } });
    fireEvent.change(screen.getByLabelText('departs'), {
      target: { value: '2026-11-28T09:30:00' }
    });
    expect(firstRow(bodies.at(-1) ?? '')).toEqual(
      new Map<string, unknown>([
        ['distance', 12],
        ['carrier', 'UA'],
        ['departs', '2026-11-28T09:30:00'],
        ['night', false]
      ])
    );
  });

  it('lets a number be typed sign by sign', () => {
    const bodies: string[] = [];
    show(fakeWorkbench(), <Held onBody={text => bodies.push(text)} />);
    const distance = screen.getByLabelText<HTMLInputElement>('distance');
    for (const text of ['-', '-0', '-0.', '-0.0', '-0.05']) {
      fireEvent.change(distance, { target: { value: text } });
      expect(distance.value).toBe(text);
    }
    expect(firstRow(bodies.at(-1) ?? '')?.get('distance')).toBe(-0.05);
  });

  it('says what a field lacks', () => {
    show(fakeWorkbench(), <Held onBody={() => undefined} />);
    const distance = screen.getByLabelText<HTMLInputElement>('distance');
    fireEvent.change(distance, { target: { value: 'far' } });
    screen.getByText('not a number');
    fireEvent.change(distance, { target: { value: '' } });
    expect(distance.getAttribute('aria-invalid')).toBe('true');
    screen.getByText('needs a value');
    const night = screen.getByLabelText('night');
    expect(within(night).queryByText('missing')).toBeNull();
  });
});
