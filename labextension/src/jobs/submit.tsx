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
import { type IForm, readForm, startForm } from './form';

/** The form that runs a notebook as a job; its fields come from the notebook's `parameters` cell. */
export default function SubmitPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const notebook = decodeURIComponent(name);
  const query = useQuery(reference, signal => client.jobs.parameters(notebook, signal), { every: () => null });
  return (
    <>
      <PageHeader icon="play" title={trans.__('Submit job: %1', notebook)} reference={`file:${notebook}`} />
      <Result query={query}>{parameters => <SubmitForm notebook={notebook} parameters={parameters} />}</Result>
    </>
  );
}

function SubmitForm({ notebook, parameters }: { notebook: string; parameters: readonly IParameter[] }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans, open } = workbench;
  const { run, busy } = useAction();
  const [form, setForm] = useState<IForm>(() => startForm(notebook, parameters));
  const read = readForm(form, parameters, trans.__('This is no %1.'));
  const submit = (): Promise<boolean> => run(async () => read.spec && open((await client.jobs.submit(read.spec)).ref));
  const set = (change: Partial<IForm>): void => setForm({ ...form, ...change });

  return (
    <>
      <form
        className={cx('form', 'scroll')}
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Heading title={trans.__('Parameters')} note={parameters.length ? trans.__('from the cell tagged “parameters”') : trans.__('the notebook has no cell tagged “parameters”')} />
        {parameters.map(({ name, type }) => (
          <Field
            key={name}
            label={`${name}  ${type}`}
            value={form.parameters[name] ?? ''}
            width={280}
            fault={read.faults[name]}
            onChange={value => set({ parameters: { ...form.parameters, [name]: value } })}
          />
        ))}
        <Heading title={trans.__('Needs')} />
        <Field label={trans.__('name')} value={form.name} width={280} onChange={name => set({ name })} />
        <Field label={trans.__('CPUs')} type="number" min={1} value={form.cpus} width={80} onChange={cpus => set({ cpus })} fault={read.faults.cpus} />
        <Field label={trans.__('GPUs')} type="number" min={0} value={form.gpus} width={80} onChange={gpus => set({ gpus })} fault={read.faults.gpus} />
        <Field
          label={trans.__('time limit')}
          type="number"
          min={1}
          value={form.minutes}
          width={80}
          unit={trans.__('minutes; empty for none')}
          onChange={minutes => set({ minutes })}
          fault={read.faults.minutes}
        />
        <Field label={trans.__('retries')} type="number" min={0} value={form.retries} width={80} onChange={retries => set({ retries })} fault={read.faults.retries} />
        <div className={cx('actions', 'form-actions')}>
          <Button kind="primary" icon="play" label={trans.__('Submit Job')} disabled={busy || !read.spec} onClick={() => void submit()} />
        </div>
      </form>
      <CodeDrawer code={read.code} note={trans.__('the same job, in words')} />
    </>
  );
}
