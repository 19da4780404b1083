import React from 'react';

import { type INeed, type Need, NEEDS, needWords } from '../api/needs';
import type { IJob, IParameter } from '../api/types';
import { Link } from '../components/button';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { choices, Select } from '../components/select';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { PAGE } from '../hooks/list';
import { useQuery } from '../hooks/query';
import { BackendField } from './backend';
import { ALL_NEEDS, faultOf, type IForm, sweepOf } from './form';
import { isActive } from './state';
import { boolWords, firstOfSweep, isBool, sweepExample } from './values';

export interface IFieldsProps {
  form: IForm;
  faults: Readonly<Record<string, string>>;
  parameters: readonly IParameter[];
  onChange: (change: Partial<IForm>) => void;
}

/** Of a clone: which code it runs. */
export function SameCode({
  form,
  onChange,
  job
}: IFieldsProps & { job: IJob }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <p className={cx('more')}>
      <label>
        <input
          type="checkbox"
          checked={form.sameCode}
          onChange={event =>
            onChange({
              sameCode: event.target.checked,
              ...(event.target.checked && { sweeps: {} })
            })
          }
        />{' '}
        {trans.__(
          'the same code as job %1 (snapshot %2)',
          job.name,
          format.shortId(job.snapshot ?? '')
        )}
      </label>
      {' · '}
      {form.sameCode
        ? trans.__('its parameters and needs can differ')
        : trans.__('else the code as it is now')}
    </p>
  );
}

export function ParameterFields({
  grid,
  ...props
}: IFieldsProps & { grid: readonly number[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const { parameters, form, faults, onChange } = props;
  const note = parameters.length > 0 && trans.__('from the cell tagged “parameters”');
  const many = grid.reduce((count, values) => count * values, 1);
  return (
    <>
      <Heading title={trans.__('Parameters')} note={note} />
      {!parameters.length && <NoParameters notebook={form.notebook} />}
      {parameters.map(parameter => (
        <ParameterField key={parameter.name} parameter={parameter} {...props} />
      ))}
      {grid.length > 0 && (
        <Field
          label={trans.__('at a time')}
          type="number"
          min={1}
          width={80}
          value={form.maxParallel}
          fault={faults.maxParallel}
          unit={
            many > 0
              ? trans.__(
                  'jobs; empty for all · %1 = %2',
                  grid.join(' × '),
                  trans._n('%1 job', '%1 jobs', many)
                )
              : trans.__('jobs; empty for all')
          }
          onChange={maxParallel => onChange({ maxParallel })}
        />
      )}
    </>
  );
}

/** How a notebook gets parameters. */
function NoParameters({ notebook }: { notebook: string }): React.ReactElement {
  const { trans } = useWorkbench();
  const openFile = useOpenFile();
  return (
    <p className={cx('more')}>
      {trans.__(
        'It takes none. To fill values in here, write them into one cell of the notebook (depth = 6), right-click it and choose Mark as Parameters.'
      )}{' '}
      <Link onClick={() => openFile(notebook)}>{trans.__('Open Notebook')}</Link>
    </p>
  );
}

/** The sweeps with one more, which begins with the present value, or without it. */
export function toggleSweep(form: IForm, name: string, type: string): Record<string, string> {
  const others = Object.fromEntries(Object.entries(form.sweeps).filter(([key]) => key !== name));
  return sweepOf(form, name) === undefined
    ? { ...others, [name]: firstOfSweep(form.parameters[name] ?? '', type) }
    : others;
}

type ParameterProps = IFieldsProps & { parameter: IParameter };

function ParameterField({ parameter, form, faults, onChange }: ParameterProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { name, type } = parameter;
  const sweep = sweepOf(form, name);
  const value = form.parameters[name] ?? '';
  const common = {
    label: `${name}  ${type}`,
    width: 280,
    fault: faults[faultOf(name)],
    unit: !form.sameCode && (
      <label title={trans.__('One job for each value: %1', sweepExample(type))}>
        <input
          type="checkbox"
          aria-label={trans.__('sweep %1', name)}
          checked={sweep !== undefined}
          onChange={() => onChange({ sweeps: toggleSweep(form, name, type) })}
        />{' '}
        {trans.__('sweep')}
      </label>
    )
  };
  if (sweep !== undefined) {
    const placeholder = trans.__('one job each: %1', sweepExample(type));
    const write = (values: string): void =>
      onChange({ sweeps: { ...form.sweeps, [name]: values } });
    return <Field {...common} placeholder={placeholder} value={sweep} onChange={write} />;
  }
  const write = (text: string): void => onChange({ parameters: { [name]: text } });
  return isBool(type) ? (
    <Select
      {...common}
      value={value}
      options={choices(boolWords(parameter), value).map(asPython)}
      onChange={write}
    />
  ) : (
    <Field {...common} value={value} onChange={write} />
  );
}

/** What JSON calls null is None in a notebook. */
const asPython = ({
  value,
  label
}: {
  value: string;
  label: string;
}): { value: string; label: string } => ({
  value,
  label: value === 'null' ? 'None' : label
});

export function NeedFields({ form, faults, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Heading title={trans.__('Needs')} />
      <fieldset className={cx('form')} aria-label={trans.__('Needs')}>
        <Field
          label={trans.__('name')}
          width={280}
          value={form.name}
          onChange={name => onChange({ name })}
        />
        {ALL_NEEDS.map(need => (
          <NeedField
            key={need}
            need={need}
            value={form[need]}
            fault={faults[need]}
            onChange={value => onChange({ [need]: value })}
          />
        ))}
        <AfterField form={form} onChange={onChange} />
      </fieldset>
    </>
  );
}

interface INeedFieldProps {
  need: Need;
  value: string;
  fault?: string;
  onChange: (value: string) => void;
}

/** A need as the server's table has it. */
function NeedField({ need, value, fault, onChange }: INeedFieldProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { kind, least, most }: INeed = NEEDS[need];
  const { label, unit, help, without } = needWords(trans)[need];
  if (need === 'backend') {
    return <BackendField value={value} width={160} onChange={onChange} />;
  }
  const number = kind !== 'word' && {
    type: 'number' as const,
    min: least,
    max: most ?? undefined,
    step: { whole: 1, share: 0.25, number: 0.5 }[kind]
  };
  return (
    <Field
      {...number}
      label={label}
      width={number ? 80 : 160}
      unit={[unit, help, without && trans.__('empty for %1', without)].filter(Boolean).join('; ')}
      value={value}
      fault={fault}
      onChange={onChange}
    />
  );
}

/** The job that this one waits for; those that are not over are offered. */
function AfterField({
  form,
  onChange
}: Pick<IFieldsProps, 'form' | 'onChange'>): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { data } = useQuery(`jobs:${PAGE}`, signal => client.jobs.list({ limit: PAGE }, signal), {
    every: () => null
  });
  return (
    <Field
      label={trans.__('after')}
      width={160}
      unit={trans.__('id of a job that has to succeed first')}
      value={form.after}
      options={data?.items.filter(isActive).map(job => ({ value: job.id, label: job.name })) ?? []}
      onChange={after => onChange({ after })}
    />
  );
}
