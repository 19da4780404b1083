import React, { useState } from 'react';

import type { IParameter } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Field } from '../components/field';
import { Heading, PageHeader } from '../components/header';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IPageProps } from '../tokens';
import { type IForm, LEAST, readForm, startForm } from './form';

/** The form that runs a notebook as a job; its fields come from the notebook's `parameters` cell. */
export default function SubmitPage({ reference, name: notebook }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.jobs.parameters(notebook, signal), { every: () => null });
  return (
    <>
      <PageHeader icon="play" title={trans.__('Submit job: %1', notebook)} reference={`file:${notebook}`} />
      <Result query={query}>{parameters => <SubmitForm notebook={notebook} parameters={parameters} />}</Result>
    </>
  );
}

interface IFormProps {
  form: IForm;
  faults: Readonly<Record<string, string>>;
  parameters: readonly IParameter[];
  onChange: (change: Partial<IForm>) => void;
}

function SubmitForm({
  notebook,
  parameters
}: {
  notebook: string;
  parameters: readonly IParameter[];
}): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const { run, busy } = useAction();
  const [form, setForm] = useState<IForm>(() => startForm(notebook, parameters));
  const read = readForm(form, parameters, {
    type: type => trans.__('This is no %1.', type),
    whole: least => trans.__('Give a whole number, %1 or more.', least)
  });
  const submit = (): Promise<boolean> => run(async () => read.spec && open((await client.jobs.submit(read.spec)).ref));
  const props: IFormProps = {
    form,
    faults: read.faults,
    parameters,
    onChange: change => setForm({ ...form, ...change })
  };
  return (
    <>
      <form
        className={cx('form', 'scroll')}
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <ParameterFields {...props} />
        <NeedFields {...props} />
        <div className={cx('actions', 'form-actions')}>
          <Button
            kind="primary"
            icon="play"
            label={trans.__('Submit Job')}
            disabled={busy || !read.spec}
            onClick={() => void submit()}
          />
        </div>
      </form>
      <CodeDrawer code={read.code} note={trans.__('the same job, in words')} />
    </>
  );
}

function ParameterFields({ form, faults, parameters, onChange }: IFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const note = parameters.length
    ? trans.__('from the cell tagged “parameters”')
    : trans.__('the notebook has no cell tagged “parameters”');
  return (
    <>
      <Heading title={trans.__('Parameters')} note={note} />
      {parameters.map(({ name, type }) => (
        <Field
          key={name}
          label={`${name}  ${type}`}
          value={form.parameters[name] ?? ''}
          width={280}
          fault={faults[name]}
          onChange={value => onChange({ parameters: { ...form.parameters, [name]: value } })}
        />
      ))}
    </>
  );
}

function NeedFields({ form, faults, onChange }: IFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const numbers: readonly [field: keyof typeof LEAST, label: string, unit?: string][] = [
    ['cpus', trans.__('CPUs'), trans.__('0 for a job that mostly waits')],
    ['gpus', trans.__('GPUs')],
    ['minutes', trans.__('time limit'), trans.__('minutes; empty for none')],
    ['retries', trans.__('retries')]
  ];
  return (
    <>
      <Heading title={trans.__('Needs')} />
      <Field label={trans.__('name')} value={form.name} width={280} onChange={name => onChange({ name })} />
      {numbers.map(([field, label, unit]) => (
        <Field
          key={field}
          label={label}
          type="number"
          min={LEAST[field]}
          width={80}
          unit={unit}
          value={form[field]}
          fault={faults[field]}
          onChange={value => onChange({ [field]: value })}
        />
      ))}
    </>
  );
}
