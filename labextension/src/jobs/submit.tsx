import React, { useEffect, useState } from 'react';

import { ApiError } from '../api/errors';
import type { IJobSpec, IParameter } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Field } from '../components/field';
import { Heading, PageHeader } from '../components/header';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useVisible } from '../hooks/visible';
import type { IPageProps } from '../tokens';
import { fillForm, type IForm, LEAST, readForm, sameParameters } from './form';

/** The form that runs a notebook as a job; its fields come from the notebook's `parameters` cell. */
export default function SubmitPage({ reference, name: notebook, again }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.jobs.parameters(notebook, signal), { every: () => null });
  const { refresh } = query;
  const visible = useVisible();
  useEffect(() => {
    if (again) {
      void refresh();
    }
  }, [refresh, again]);
  useEffect(() => {
    if (!visible) {
      void refresh(); // at the next look: the notebook may be another by then
    }
  }, [refresh, visible]);
  return (
    <>
      <PageHeader icon="play" title={trans.__('Submit job: %1', notebook)} reference={`file:${notebook}`} />
      <Result query={query}>
        {parameters => <SubmitForm notebook={notebook} parameters={parameters} onOld={refresh} />}
      </Result>
    </>
  );
}

interface IFormProps {
  form: IForm;
  faults: Readonly<Record<string, string>>;
  parameters: readonly IParameter[];
  onChange: (change: Partial<IForm>) => void;
}

/**
 * Submit what the form shows. What stays as it is in the notebook is not sent, since an expression, 1.0 or a tuple would arrive
 * as something else: so the notebook must still say what the form was filled from.
 */
function useSubmit(
  notebook: string,
  parameters: readonly IParameter[],
  onOld: () => Promise<void>
): { busy: boolean; submit: (spec: IJobSpec | null) => void } {
  const { client, trans, open } = useWorkbench();
  const { run, busy } = useAction();
  const send = async (spec: IJobSpec): Promise<void> => {
    if (!sameParameters(await client.jobs.parameters(notebook), parameters)) {
      await onOld();
      throw new ApiError(
        'conflict',
        trans.__('Nothing was submitted.'),
        trans.__('The parameters of %1 have changed since the form was filled from them.', notebook),
        trans.__('Look at the form, which shows them now, and submit it again.')
      );
    }
    await open((await client.jobs.submit(spec)).ref);
  };
  return { busy, submit: spec => void (spec && run(() => send(spec))) };
}

interface ISubmitFormProps {
  notebook: string;
  parameters: readonly IParameter[];
  /** The parameters are not those of the notebook any more. */
  onOld: () => Promise<void>;
}

function SubmitForm({ notebook, parameters, onOld }: ISubmitFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [filled, setFilled] = useState<Partial<IForm>>({});
  const form = fillForm(notebook, parameters, filled);
  const read = readForm(form, parameters, {
    type: type => trans.__('This is no %1.', type),
    exact: trans.__('This number is too large to be sent as it is.'),
    whole: least => trans.__('Give a whole number, %1 or more.', least)
  });
  const { submit, busy } = useSubmit(notebook, parameters, onOld);
  const props: IFormProps = {
    form,
    faults: read.faults,
    parameters,
    onChange: change => setFilled({ ...filled, ...change, parameters: { ...filled.parameters, ...change.parameters } })
  };
  return (
    <>
      <form
        className={cx('form', 'scroll')}
        onSubmit={event => {
          event.preventDefault();
          submit(read.spec);
        }}
      >
        <ParameterFields {...props} />
        <NeedFields {...props} />
        <div className={cx('actions', 'form-actions')}>
          <Button kind="primary" icon="play" label={trans.__('Submit Job')} disabled={busy || !read.spec} submit />
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
          onChange={value => onChange({ parameters: { [name]: value } })}
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
