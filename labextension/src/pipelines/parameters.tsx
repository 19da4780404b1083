import React from 'react';

import type { IParameter, IPipelineDetail } from '../api/types';
import { Field } from '../components/field';
import { choices, Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { boolWords, Inexact, isBool, isMapping, readValue, shown } from '../jobs/values';

/** What was typed, by the names of parameters. */
export type Texts = Readonly<Record<string, string>>;
/** Their values, by the names of parameters. */
export type Values = Readonly<Record<string, unknown>>;
/** Why what was typed is no value of the parameter. */
export type Faults = ReadonlyMap<string, unknown>;

const DATE = /^(\d{4}-\d{2}-\d{2})?$/;

function kindOf(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return 'number';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    default:
      return Array.isArray(value) ? 'list' : isMapping(value) ? 'mapping' : 'JSON';
  }
}

/**
 * The parameters of a pipeline like those of a notebook, each of the kind of its default; the date
 * of a run is one of them.
 */
export const parametersOf = ({
  parameters,
  date
}: Pick<IPipelineDetail, 'parameters' | 'date'>): IParameter[] =>
  Object.entries({ ...(date && { [date]: '' }), ...parameters }).map(([name, value]) => ({
    name,
    type: name === date && typeof value === 'string' && DATE.test(value) ? 'date' : kindOf(value),
    default: value
  }));

/**
 * The values that were `given`, with those that were typed; what is as the default is left out. A
 * template fits any kind.
 */
export function readTexts(
  parameters: readonly IParameter[],
  texts: Texts,
  preset: Values = {}
): { values: Values; faults: Faults } {
  const values = new Map(Object.entries(preset));
  const faults = new Map<string, unknown>();
  for (const { name, type, default: usual } of parameters) {
    const text = texts[name];
    if (text === undefined) {
      continue;
    }
    values.delete(name);
    if (text !== shown(usual)) {
      try {
        values.set(name, text.includes('{{') ? text : readValue(text, type));
      } catch (error) {
        faults.set(name, error);
      }
    }
  }
  return { values: Object.fromEntries(values), faults };
}

interface IParameterInputsProps {
  parameters: readonly IParameter[];
  texts: Texts;
  preset?: Values;
  faults: Faults;
  onChange: (texts: Texts) => void;
}

/** A field for each parameter, with its type. */
export function ParameterInputs({
  parameters,
  texts,
  preset = {},
  faults,
  onChange
}: IParameterInputsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {parameters.map(parameter => {
        const { name, type, default: usual } = parameter;
        const value = texts[name] ?? shown(Object.hasOwn(preset, name) ? preset[name] : usual);
        const write = (text: string): void => onChange({ ...texts, [name]: text });
        if (isBool(type)) {
          const options = choices(boolWords(parameter), value);
          return (
            <Select
              key={name}
              label={`${name}  ${type}`}
              {...{ value, options }}
              onChange={write}
            />
          );
        }
        return (
          <Field
            key={name}
            {...(type === 'date' ? { type, label: name } : { label: `${name}  ${type}` })}
            width={140}
            value={value}
            fault={
              faults.get(name) instanceof Inexact
                ? trans.__('This number is too large to be sent exactly.')
                : faults.has(name)
                  ? trans.__('Not a valid %1.', type)
                  : undefined
            }
            onChange={write}
          />
        );
      })}
    </>
  );
}
