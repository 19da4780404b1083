import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React, { useEffect, useState } from 'react';

import { ApiError } from '../api/errors';
import type { ICodeCall } from '../api/client';
import type { ICloneChanges } from '../api/jobs';
import type { IJob, IJobSpec, IParameter } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { PageHeader } from '../components/header';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useClose } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { useVisible } from '../hooks/visible';
import { parseRef } from '../refs';
import type { IPageProps } from '../tokens';
import { isFormed } from './actions';
import { CodeLine } from './code';
import { NeedFields, ParameterFields, SameCode } from './fields';
import { Forecast, useForecast } from './forecast';
import {
  cloneCall,
  cloneNeeds,
  cloneParameters,
  fillForm,
  formOf,
  type IForm,
  type IRead,
  readForm,
  sameParameters,
  submitCall,
  SWEEP_FILE
} from './form';
import { notify } from './notify';
import { type IFaultWords, sweepExample } from './values';

/** Asks about an open notebook with changes that are not on disk; the notebook plugin adds it. */
export const SETTLE = 'mlinfra:jobs-settle-notebook';

/** What the form is filled from: the parameters of the notebook, and the job that is cloned. */
interface ISource {
  parameters: readonly IParameter[];
  job: IJob | null;
  /**
   * A clone of anything but a notebook of the project, such as a command: what it runs stays, what
   * it needs can be changed.
   */
  bare: boolean;
}

/**
 * The form that runs a notebook as a job; its fields come from the notebook's `parameters` cell,
 * for a clone also from the earlier job.
 */
export default function SubmitPage({
  reference,
  name: notebook,
  again
}: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const cloned = parseRef(reference)?.at ?? null;
  const query = useQuery<ISource>(
    reference,
    async signal => {
      const job = cloned === null ? null : await client.jobs.show(cloned, signal);
      const bare = job !== null && !isFormed(job);
      return { parameters: bare ? [] : await client.jobs.parameters(notebook, signal), job, bare };
    },
    { every: () => null }
  );
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
  const title =
    cloned === null
      ? trans.__('Submit job: %1', notebook)
      : trans.__('Clone job: %1', query.data?.job?.name ?? notebook);
  return (
    <>
      <PageHeader
        icon="play"
        title={title}
        reference={query.data?.bare ? (query.data.job?.ref ?? '') : `file:${notebook}`}
      />
      <Result query={query}>
        {source => <SubmitForm notebook={notebook} source={source} onOld={refresh} />}
      </Result>
    </>
  );
}

interface ISubmitFormProps {
  notebook: string;
  source: ISource;
  /** The parameters are not those of the notebook any more. */
  onOld: () => Promise<void>;
}

/**
 * Submit what the form shows. What stays as it is in the notebook is not sent, since an expression,
 * 1.0 or a tuple would arrive as something else: so the notebook must still say what the form was
 * filled from.
 */
function useSubmit({ notebook, source: { parameters, job, bare }, onOld }: ISubmitFormProps): {
  busy: boolean;
  submit: (spec: IJobSpec | null, sameCode: boolean) => void;
} {
  const workbench = useWorkbench();
  const { client, commands, trans, open } = workbench;
  const { run, busy } = useAction();
  const close = useClose();
  const send = async (spec: IJobSpec, sameCode: boolean): Promise<void> => {
    if (
      !bare &&
      !sameCode &&
      commands.hasCommand(SETTLE) &&
      !(await commands.execute(SETTLE, { path: notebook }))
    ) {
      return;
    }
    if (!bare && !sameParameters(await client.jobs.parameters(notebook), parameters)) {
      await onOld();
      throw new ApiError(
        'conflict',
        trans.__('Nothing was submitted.'),
        trans.__('The parameters of %1 have changed since this form was filled.', notebook),
        trans.__('The form shows the new ones: check it, then submit it again.')
      );
    }
    const changes = (of: IJob): ICloneChanges => ({
      ...(!bare && { parameters: cloneParameters(of, spec, parameters) }),
      needs: cloneNeeds(of, spec),
      same_code: sameCode
    });
    const { ref } = await (job && (bare || sameCode)
      ? client.jobs.clone(job.id, changes(job))
      : client.jobs.submit(spec));
    notify(workbench, ref);
    await open(ref);
    close();
  };
  return { busy, submit: (spec, sameCode) => void (spec && run(() => send(spec, sameCode))) };
}

function useWords(): IFaultWords {
  const { trans } = useWorkbench();
  return {
    type: type => trans.__('Not a valid %1.', type),
    exact: trans.__('This number is too large to be sent exactly.'),
    whole: (least, most) =>
      most < 1e6
        ? trans.__('Give a whole number from %1 to %2.', least, most)
        : trans.__('Give a whole number, %1 or more.', least),
    gpus: trans.__('Give a whole number, or a part of one GPU in hundredths: 0.5.'),
    above: trans.__('Give a number above 0.'),
    list: type =>
      trans.__('Give one value or more, with commas between them: %1', sweepExample(type)),
    many: most => trans.__('These are more than %1 jobs.', most)
  };
}

function SubmitForm(props: ISubmitFormProps): React.ReactElement {
  const { notebook, source } = props;
  const { commands, trans } = useWorkbench();
  const { parameters, job, bare } = source;
  const [filled, setFilled] = useState<Partial<IForm>>({});
  const start = job ? formOf(job) : {};
  const all = { ...start, ...filled, parameters: { ...start.parameters, ...filled.parameters } };
  const form = fillForm(notebook, parameters, all);
  const read = readForm(form, parameters, useWords());
  const { submit, busy } = useSubmit(props);
  const fields = {
    form,
    faults: read.faults,
    parameters,
    onChange: (change: Partial<IForm>) =>
      setFilled({
        ...filled,
        ...change,
        parameters: { ...filled.parameters, ...change.parameters }
      })
  };
  const asked =
    bare && job && read.spec
      ? {
          ...read.spec,
          notebook: job.notebook ?? undefined,
          command: job.notebook === null ? job.command : undefined
        }
      : read.spec;
  const many = read.grid.reduce((count, values) => count * values, 1);
  const forecast = useForecast(form.sameCode ? null : asked);
  const { refused } = forecast;
  return (
    <>
      <form
        className={cx('form', 'scroll')}
        onSubmit={event => {
          event.preventDefault();
          submit(refused ? null : read.spec, form.sameCode);
        }}
      >
        {job?.snapshot && <SameCode {...fields} job={job} />}
        {!bare && <ParameterFields {...fields} grid={read.grid} />}
        <NeedFields {...fields} />
        {!bare && !form.sameCode && <CodeLine notebook={notebook} />}
        <div className={cx('form-actions')}>
          <Forecast {...forecast} jobs={many} />
          {!bare && commands.hasCommand(SCHEDULE) && (
            <Button
              label={trans.__('Schedule Instead…')}
              caption={trans.__('Run it on a schedule, with these parameters and needs')}
              disabled={!read.spec || form.sameCode || read.grid.length > 0}
              onClick={() => void commands.execute(SCHEDULE, { notebook, job: needsOf(read.spec) })}
            />
          )}
          <Button
            kind="primary"
            icon="play"
            label={
              read.grid.length && many
                ? trans._n('Submit %1 Job', 'Submit %1 Jobs', many)
                : trans.__('Submit Job')
            }
            disabled={busy || !read.spec || refused !== ''}
            caption={refused || undefined}
            submit
          />
        </div>
      </form>
      <CallCode
        faulty={!read.spec}
        call={callOf(read, form, source)}
        note={noteOf(read, trans.__('the same job, in words'))}
      />
    </>
  );
}

function callOf(
  { draft }: IRead,
  { sameCode }: IForm,
  { job, parameters, bare }: ISource
): ICodeCall {
  if (!job || !(bare || sameCode)) {
    return submitCall(draft);
  }
  const changed = bare ? {} : cloneParameters(job, draft, parameters);
  return cloneCall(job.id, changed, cloneNeeds(job, draft), sameCode);
}

const SCHEDULE = 'mlinfra:schedules-create';

/** What a schedule keeps of a job beside its notebook. */
function needsOf(spec: IJobSpec | null): ReadonlyPartialJSONObject {
  return Object.fromEntries<unknown>(
    Object.entries(spec ?? {}).filter(([name]) => name !== 'notebook')
  ) as ReadonlyPartialJSONObject;
}

/** Letters of the array that are shown beside the line that reads it from a file. */
const SHOWN = 80;

/** Beside the words of an array: what its file holds. */
function noteOf({ spec }: IRead, usual: string): string {
  const array = spec?.array;
  if (!array) {
    return usual;
  }
  const text = JSON.stringify(array);
  return `${SWEEP_FILE}: ${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}`;
}
