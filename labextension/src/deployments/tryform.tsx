import '../../style/deployments.css';

import React, { useState } from 'react';

import type { IDeploymentDetail } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { bodyText, parseBody } from './body';

/** More inputs than this are left to the JSON. */
const FIELDS_SHOWN = 200;

const NUMBERS: readonly string[] = ['double', 'float', 'integer', 'long'];
const TEXTS: readonly string[] = ['string', 'datetime', 'binary'];

type Signature = IDeploymentDetail['signature'];

/** One input of the signature, as the server states it. fallback: what counts if it is left out. */
export interface IInput {
  name: string;
  type: string;
  required: boolean;
  fallback?: string;
}

const isPlain = ({ type }: IInput): boolean =>
  NUMBERS.includes(type) || TEXTS.includes(type) || type === 'boolean';

/** The inputs of a signature that fields can hold; null if one of them is nested or a tensor. */
export function inputsOf(signature: Signature): readonly IInput[] | null {
  const inputs = signature.map(item => ({
    name: String(item.name),
    type: String(item.type),
    required: item.required !== false
  }));
  return inputs.length > 0 && inputs.every(isPlain) ? inputs : null;
}

/** The parameters of a signature that fields can hold; the others are left to the JSON. */
export const paramsOf = (params: IDeploymentDetail['params']): readonly IInput[] =>
  params
    .filter(item => item.list !== true)
    .map(item => ({
      name: String(item.name),
      type: String(item.type),
      required: false,
      fallback: JSON.stringify(item.default)
    }))
    .filter(isPlain);

interface IParamBody {
  meta?: { tags?: { params?: Record<string, unknown> } };
}

function paramBody(body: string): IParamBody | null {
  const read = parseBody(body);
  const value = 'value' in read ? read.value : null;
  return typeof value === 'object' && !Array.isArray(value) ? value : null;
}

/** The parameters that a body has. */
export const givenParams = (body: string): Record<string, unknown> =>
  paramBody(body)?.meta?.tags?.params ?? {};

/** The body with another value of a parameter; without one that is missing. */
export function withParam(body: string, name: string, value: unknown): string {
  const whole = paramBody(body);
  if (!whole) {
    return body;
  }
  const changed = Object.entries({ ...givenParams(body), [name]: value });
  const params = Object.fromEntries(
    changed.filter(([key, item]) => key !== name || (item !== null && item !== undefined))
  );
  return bodyText({ ...whole, meta: { ...whole.meta, tags: { ...whole.meta?.tags, params } } });
}

/** A body with this row alone, and what else the request says. */
export const withRow = (body: string, row: Readonly<Record<string, unknown>>): string =>
  bodyText({
    ...(paramBody(body)?.meta && { meta: paramBody(body)?.meta }),
    data: { names: Object.keys(row), ndarray: [Object.values(row)] }
  });

interface IRowBody {
  data: { names: readonly string[]; ndarray: unknown[][] };
}

/** The body as named rows, if it is one. */
function rowsOf(body: string): IRowBody | null {
  const read = parseBody(body);
  const data = 'value' in read ? (read.value as Partial<IRowBody> | null)?.data : undefined;
  const { names, ndarray } = data ?? {};
  const fits =
    Array.isArray(names) &&
    Array.isArray(ndarray) &&
    Array.isArray(ndarray[0]) &&
    ndarray[0].length === names.length;
  return fits ? (read as { value: IRowBody }).value : null;
}

/** The first row of a body by name; null if the body has no named rows. */
export function firstRow(body: string): ReadonlyMap<string, unknown> | null {
  const rows = rowsOf(body);
  return rows && new Map(rows.data.names.map((name, at) => [name, rows.data.ndarray[0]?.[at]]));
}

/** The body with another value in its first row. */
export function withValue(body: string, name: string, value: unknown): string {
  const rows = rowsOf(body);
  if (!rows) {
    return body;
  }
  const { names, ndarray } = rows.data;
  const known = names.includes(name);
  const [first = [], ...others] = ndarray;
  const changed = known
    ? first.map((old, at) => (names[at] === name ? value : old))
    : [...first, value];
  return bodyText({
    ...rows,
    data: {
      ...rows.data,
      names: known ? names : [...names, name],
      ndarray: [changed, ...(known ? others : others.map(row => [...row, null]))]
    }
  });
}

/** What a field's text means: a number, a text, or nothing. A text that is no number stays one. */
export function valueOf(type: string, text: string): unknown {
  if (!NUMBERS.includes(type)) {
    return text === '' && type !== 'string' ? null : text;
  }
  const number = Number(text);
  return text.trim() === '' ? null : Number.isFinite(number) ? number : text;
}

interface ITryFormProps {
  inputs: readonly IInput[];
  params?: readonly IInput[];
  body: string;
  onBody: (body: string) => void;
}

/** A field for each input, with the first row of the body in it, and for each parameter. */
export function TryForm({
  inputs,
  params = [],
  body,
  onBody
}: ITryFormProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const row = firstRow(body);
  if (!row) {
    return null;
  }
  const shown = inputs.slice(0, FIELDS_SHOWN);
  const given = givenParams(body);
  return (
    <div className={cx('inset', 'deployments-form')}>
      {shown.map(input => (
        <InputField
          key={input.name}
          input={input}
          value={row.get(input.name)}
          onChange={value => onBody(withValue(body, input.name, value))}
        />
      ))}
      {params.map(param => (
        <InputField
          key={`param ${param.name}`}
          input={param}
          value={given[param.name]}
          onChange={value => onBody(withParam(body, param.name, value))}
        />
      ))}
      {inputs.length > shown.length && (
        <p className={cx('more')}>
          {trans._n(
            '%1 more input is in the JSON',
            '%1 more inputs are in the JSON',
            inputs.length - shown.length
          )}
        </p>
      )}
    </div>
  );
}

interface IInputFieldProps {
  input: IInput;
  value: unknown;
  onChange: (value: unknown) => void;
}

function InputField({ input, value, onChange }: IInputFieldProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { name, type, required, fallback } = input;
  const missing = value === null || value === undefined;
  const fault =
    missing && required ? trans.__('needs a value') : wrong(type, value, trans.__('not a number'));
  const open = fallback
    ? trans.__('%1, else %2', type, fallback)
    : trans.__('%1, may be missing', type);
  const unit = required ? type : open;
  if (type === 'boolean') {
    return (
      <Select
        label={name}
        value={missing ? '' : String(Boolean(value))}
        options={[
          { value: 'true', label: trans.__('true') },
          { value: 'false', label: trans.__('false') },
          ...(required && !missing ? [] : [{ value: '', label: trans.__('missing') }])
        ]}
        fault={fault}
        unit={unit}
        width={160}
        onChange={text => onChange(text === '' ? null : text === 'true')}
      />
    );
  }
  return (
    <TypedField
      label={name}
      type={type}
      value={value}
      fault={fault}
      unit={unit}
      onChange={onChange}
    />
  );
}

interface ITypedFieldProps {
  label: string;
  type: string;
  value: unknown;
  fault?: string;
  unit: string;
  onChange: (value: unknown) => void;
}

/** What is typed stays as it is while it means the value of the body: `1.` is on the way to `1.5`. */
function TypedField({ type, value, onChange, ...field }: ITypedFieldProps): React.ReactElement {
  const [typed, setTyped] = useState<string | null>(null);
  const missing = value === null || value === undefined;
  const held = typed !== null && (valueOf(type, typed) ?? null) === (value ?? null);
  return (
    <Field
      {...field}
      value={held ? typed : missing ? '' : textOf(value)}
      placeholder={type === 'datetime' ? '2026-11-28T09:30:00' : undefined}
      width={160}
      onChange={text => {
        setTyped(text);
        onChange(valueOf(type, text));
      }}
    />
  );
}

/** A value as its field shows it. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

const wrong = (type: string, value: unknown, text: string): string | undefined =>
  NUMBERS.includes(type) && typeof value === 'string' ? text : undefined;
