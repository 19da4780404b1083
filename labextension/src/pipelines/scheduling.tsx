import '../../style/pipelines.css';

import React, { useEffect, useState } from 'react';

import { ApiError } from '../api/errors';
import type { IDueTimes, IParameter, ISchedule, IScheduleFacts } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard, Result } from '../components/card';
import { done } from '../components/confirm';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { Field } from '../components/field';
import { PageHeader } from '../components/header';
import { Select } from '../components/select';
import { State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useClose } from '../hooks/page';
import { type IQuery, useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import { useVisible } from '../hooks/visible';
import { parseRef } from '../refs';
import type { IPageProps } from '../tokens';
import { EVERY, type Every, type ISentence } from './cron';
import { policyWords, weekdayName } from './due';
import { type Faults, ParameterInputs, parametersOf, readTexts, type Values } from './parameters';
import { type PrefilledJob, prefilledJob } from './prefill';
import { DueList } from './schedule';
import {
  changed,
  differing,
  factsOf,
  faultsOf,
  type IScheduleForm,
  startForm
} from './scheduleForm';

/**
 * What the form is filled from: the schedule that is changed, and the job that is to be run beside
 * its notebook.
 */
interface ISource {
  schedule?: ISchedule;
  job?: PrefilledJob;
  /** Names of the schedules that there are. */
  taken?: readonly string[];
}

/**
 * The form of a schedule. Its name says what is scheduled (`pipeline:churn`, `file:train.ipynb`),
 * or which schedule is changed (`schedule:churn-daily`).
 */
export default function SchedulingPage({ reference, name, again }: IPageProps): React.ReactElement {
  const { client, memory, trans } = useWorkbench();
  const target = parseRef(name);
  const edited = target?.kind === 'schedule' ? target.name : null;
  const source = useQuery<ISource>(
    reference,
    async signal => {
      if (edited !== null) {
        const schedule = await client.schedules.show(edited, signal);
        return { schedule, job: schedule.job ?? undefined };
      }
      const job = await prefilledJob(memory, name);
      if (!job && target?.kind === 'file') {
        throw new ApiError(
          'not_found',
          trans.__('The parameters and needs of this schedule could not be found.'),
          trans.__('They came from another form, and JupyterLab has not kept them.'),
          trans.__(
            'Choose “Schedule…” at the notebook, or “Schedule Instead…” in its submit form, again.'
          )
        );
      }
      const { items } = await client.schedules.list({ limit: 500 }, signal);
      return { job, taken: items.map(item => item.name) };
    },
    { every: () => null }
  );
  const { refresh } = source;
  const visible = useVisible();
  useEffect(() => {
    if (again || !visible) {
      void refresh(); // asked for again, or at the next look: the schedule may be another by then
    }
  }, [refresh, again, visible]);
  const title = edited === null ? trans.__('New schedule') : trans.__('Schedule %1', edited);
  return (
    <>
      <PageHeader icon="clock" title={title} reference={target ? name : ''} />
      <Result query={source}>
        {({ schedule, ...others }) => (
          <ScheduleForm what={name} saved={schedule} {...others} onDone={refresh} />
        )}
      </Result>
    </>
  );
}

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')].map(zone => ({
  value: zone,
  label: zone
}));

interface IFieldsProps {
  form: IScheduleForm;
  faults: ReadonlySet<keyof IScheduleForm>;
  onChange: (change: Partial<IScheduleForm>) => void;
}

interface IScheduleFormProps {
  what: string;
  saved?: ISchedule;
  job?: PrefilledJob;
  taken?: readonly string[];
  onDone: () => Promise<void>;
}

function ScheduleForm({ what, saved, job, taken, onDone }: IScheduleFormProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const close = useClose();
  const [changes, setChanges] = useState<Partial<IScheduleForm>>({});
  const start = startForm(changes.what ?? (what === 'new' ? '' : what), saved, taken);
  const form = { ...start, ...changes };
  const parameters = useParameters(form.what);
  const preset: Values = {
    ...(job?.parameters as Values | undefined),
    ...saved?.parameters
  };
  const read = readTexts(parameters ?? [], form.texts, preset);
  const values = Object.keys(form.texts).length ? read.values : undefined;
  const { run, busy } = useAction();
  const faults = faultsOf(form);
  const faulty = faults.size + read.faults.size > 0;
  const times = usePreview(form, faults);
  const { valid = false, reason = '' } = times.data ?? {};
  const send = (facts: IScheduleFacts): Promise<ISchedule> =>
    saved ? client.schedules.update(saved.name, facts) : client.schedules.create(form.name, facts);
  const submit = (): Promise<boolean> =>
    run(async () => {
      const facts = factsOf(form, job, values);
      const made = await send(saved ? differing(facts, factsOf(start, job)) : facts);
      done(
        saved
          ? trans.__('Schedule %1 is changed.', made.name)
          : trans.__('Schedule %1 is created.', made.name),
        trans
      );
      setChanges({});
      await onDone();
      await open(made.ref);
      close();
    });
  const props: IFieldsProps = {
    form,
    faults,
    onChange: change => setChanges({ ...changes, ...changed(form, change) })
  };
  return (
    <>
      <form
        className={cx('form', 'pipelines-schedule-form', 'scroll')}
        aria-label={trans.__('Schedule')}
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <WhatFields {...props} fixed={saved !== undefined} />
        {job && !form.what.startsWith('pipeline:') && (
          <JobFacts job={parameters?.length ? { ...job, parameters: {} } : job} />
        )}
        <Parameters {...{ parameters, preset }} faulty={read.faults} {...props} />
        <WhenFields
          {...props}
          valid={valid && !times.error && !faults.has('cron')}
          reason={reason}
        />
        <NextFive times={times} />
        <PolicyFields {...props} />
        <Watcher />
        <div className={cx('actions', 'form-actions')}>
          <Button
            kind="primary"
            icon="clock"
            label={saved ? trans.__('Change Schedule') : trans.__('Schedule')}
            disabled={busy || faulty || times.error !== null || reason !== ''}
            submit
          />
        </div>
      </form>
      <CallCode
        faulty={faulty}
        call={{
          call: 'schedules-form',
          values: {
            name: form.name,
            facts: factsOf(form, job, values),
            change: saved !== undefined
          }
        }}
        note={({ unsaid }) =>
          unsaid
            ? trans.__('the same schedule without what only the form can set: %1', unsaid)
            : trans.__('the same schedule, in words')
        }
      />
    </>
  );
}

/** The parameters of what is scheduled, but for the date of a run: that is the due time's. */
function useParameters(what: string): readonly IParameter[] | undefined {
  const { client } = useWorkbench();
  const { kind, name = '' } = parseRef(what) ?? {};
  return useQuery(
    `parameters of ${what}`,
    async signal => {
      if (kind === 'file') {
        return client.jobs.parameters(name, signal);
      }
      const detail = await client.pipelines.show(name, signal);
      return parametersOf(detail).filter(parameter => parameter.name !== detail.date);
    },
    { every: () => null, when: kind === 'file' || kind === 'pipeline' }
  ).data;
}

interface IParametersProps extends IFieldsProps {
  parameters: readonly IParameter[] | undefined;
  preset: Values;
  faulty: Faults;
}

function Parameters({
  parameters,
  preset,
  faulty,
  form,
  onChange
}: IParametersProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  return parameters?.length ? (
    <div className={cx('pipelines-sentence')}>
      <span
        className={cx('pipelines-sentence-label')}
        title={trans.__('{{ date }} and {{ due }} stand for the due time')}
      >
        {trans.__('parameters')}
      </span>
      <span className={cx('pipelines-sentence-fields')}>
        <ParameterInputs
          {...{ parameters, preset }}
          texts={form.texts}
          faults={faulty}
          onChange={texts => onChange({ texts })}
        />
      </span>
    </div>
  ) : null;
}

/** The parameters of the job and what it needs, beside its notebook. */
function JobFacts({
  job: { parameters, ...needs }
}: {
  job: PrefilledJob;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  const facts = Object.entries({ ...needs, ...(parameters as Values | undefined) }).filter(
    ([name, value]) =>
      name !== 'notebook' && name !== 'command' && value !== null && value !== undefined
  );
  return facts.length ? (
    <div className={cx('pipelines-sentence')}>
      <span className={cx('pipelines-sentence-label')}>{trans.__('with')}</span>
      <span data-field="job">
        {facts.map(([name, value]) => `${name}=${format.cell(value)}`).join(', ')}
      </span>
    </div>
  ) : null;
}

/** The next five times of what the form says; asked once the typing rests. */
function usePreview(form: IScheduleForm, faults: ReadonlySet<string>): IQuery<IDueTimes> {
  const { client } = useWorkbench();
  const cron = useSettled(form.cron.trim(), 250);
  const tz = useSettled(form.tz.trim(), 250);
  const whole = !faults.has('cron') && !faults.has('tz');
  return useQuery<IDueTimes>(
    `due ${cron} ${tz}`,
    signal => client.schedules.preview(cron, tz, 5, signal),
    {
      list: 'due',
      every: () => null,
      when: whole
    }
  );
}

function WhatFields({
  form,
  faults,
  onChange,
  fixed
}: IFieldsProps & { fixed: boolean }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const pipelines = useQuery(
    'pipelines:500',
    signal => client.pipelines.list({ limit: 500 }, signal),
    {
      every: () => null
    }
  );
  const choices = (pipelines.data?.items ?? []).map(item => ({ value: item.ref, label: item.ref }));
  const isListed = choices.some(choice => choice.value === form.what);
  return (
    <>
      <Select
        label={trans.__('what')}
        value={form.what}
        options={[
          ...(isListed
            ? []
            : [{ value: form.what, label: form.what || trans.__('choose a pipeline') }]),
          ...choices
        ]}
        fault={faults.has('what') ? trans.__('Choose what is to be run.') : undefined}
        onChange={what => onChange({ what, texts: {} })}
      />
      {!fixed && (
        <Field
          label={trans.__('name')}
          value={form.name}
          width={240}
          fault={faults.has('name') ? trans.__('Letters, digits, dot, - and _ only.') : undefined}
          onChange={name => onChange({ name })}
        />
      )}
    </>
  );
}

/** reason: why the cron text, or the zone, has no times. */
function WhenFields({
  form,
  faults,
  onChange,
  valid,
  reason
}: IFieldsProps & { valid: boolean; reason: string }): React.ReactElement {
  const { trans } = useWorkbench();
  const { sentence } = form;
  const set = (change: Partial<ISentence>): void =>
    onChange({ sentence: { ...sentence, ...change } });
  const words: Readonly<Record<Every, string>> = {
    hour: trans.__('every hour'),
    day: trans.__('every day'),
    weekday: trans.__('every weekday'),
    week: trans.__('every week'),
    month: trans.__('every month'),
    other: trans.__('as cron says')
  };
  return (
    <div className={cx('pipelines-sentence')} role="group" aria-label={trans.__('When')}>
      <span className={cx('pipelines-sentence-label')}>{trans.__('when')}</span>
      <span className={cx('pipelines-sentence-fields')}>
        <Select
          label={trans.__('how often')}
          bare
          value={sentence.every}
          options={EVERY.map(every => ({ value: every, label: words[every] }))}
          onChange={every => set({ every: every as Every })}
        />
        {sentence.every === 'week' && (
          <Select
            label={trans.__('day of the week')}
            bare
            value={String(sentence.weekday)}
            options={[1, 2, 3, 4, 5, 6, 7].map(day => ({
              value: String(day),
              label: weekdayName(day)
            }))}
            onChange={weekday => set({ weekday: Number(weekday) })}
          />
        )}
        {sentence.every === 'month' && (
          <Field
            label={trans.__('on day')}
            type="number"
            min={1}
            max={31}
            width={56}
            value={String(sentence.day)}
            onChange={day => set({ day: Number(day) || 1 })}
          />
        )}
        {sentence.every !== 'other' && (
          <Field
            label={trans.__('at')}
            width={56}
            value={sentence.time}
            fault={faults.has('sentence') ? trans.__('no time') : undefined}
            onChange={time => set({ time })}
          />
        )}
        <Field
          label={trans.__('in')}
          width={160}
          options={ZONES}
          value={form.tz}
          onChange={tz => onChange({ tz })}
        />
        <Field
          label={trans.__('cron')}
          width={120}
          value={form.cron}
          fault={faults.has('cron') ? trans.__('It has five fields.') : reason || undefined}
          onChange={cron => onChange({ cron })}
        />
        {valid && <State state="ok">{trans.__('valid')}</State>}
      </span>
    </div>
  );
}

function NextFive({ times }: { times: IQuery<IDueTimes> }): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (times.error && !times.error.lost) {
    return <ErrorCard error={times.error} />;
  }
  return (
    <div className={cx('pipelines-sentence')}>
      <span className={cx('pipelines-sentence-label')}>{trans.__('next')}</span>
      <div aria-live="polite">{times.data && <DueList times={times.data.items} />}</div>
    </div>
  );
}

function PolicyFields({ form, faults, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const options = <T extends string>(
    words: Readonly<Record<T, string>>
  ): { value: T; label: string }[] =>
    (Object.keys(words) as T[]).map(value => ({ value, label: words[value] }));
  return (
    <>
      <div className={cx('pipelines-sentence')}>
        <span className={cx('pipelines-sentence-label')}>{trans.__('if a time was missed')}</span>
        <span className={cx('pipelines-sentence-fields')}>
          <Select
            label={trans.__('if a time was missed')}
            bare
            value={form.catchup}
            options={options(policyWords.catchup(trans))}
            onChange={catchup => onChange({ catchup: catchup as ISchedule['catchup'] })}
          />
          {form.catchup !== 'none' && (
            <Field
              label={trans.__('within')}
              type="number"
              min={0}
              width={64}
              unit={trans.__('hours')}
              value={form.grace}
              fault={faults.has('grace') ? trans.__('0 to 8784') : undefined}
              onChange={grace => onChange({ grace })}
            />
          )}
        </span>
      </div>
      <Select
        label={trans.__('if the last one still runs')}
        value={form.overlap}
        options={options(policyWords.overlap(trans))}
        onChange={overlap => onChange({ overlap: overlap as ISchedule['overlap'] })}
      />
    </>
  );
}

/** Whether the process that looks at the clock is there. */
function Watcher(): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { data } = useQuery('supervisor', signal => client.schedules.supervisor(signal), {
    every: () => 15_000
  });
  return (
    <p className={cx('more', 'pipelines-watcher')}>
      {trans.__('This machine must be running at that time:')}{' '}
      {data &&
        (data.pid === null ? (
          <State state="waiting">{trans.__('local scheduler starts with the schedule')}</State>
        ) : (
          <State state="ok">{trans.__('local scheduler active')}</State>
        ))}
    </p>
  );
}
