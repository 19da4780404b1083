import '../../style/pipelines.css';

import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React, { useState } from 'react';

import type { IBackfill, IPipelineDetail, IPipelineRun, IRunOptions } from '../api/types';
import { Button } from '../components/button';
import { done } from '../components/confirm';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { InlineForm } from '../components/form';
import { Select } from '../components/select';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useSeen } from '../hooks/seen';
import { formatRef } from '../refs';
import { undone } from './grid';
import { ParameterInputs, parametersOf, readTexts, type Texts } from './parameters';

export interface IPipelineActions {
  busy: boolean;
  /** The newest run. */
  last: IPipelineRun | undefined;
  running: boolean;
  start: (options?: IRunOptions) => void;
  cancel: () => void;
  repair: (run: IPipelineRun) => void;
  form: FormName | null;
  show: (form: FormName | null) => void;
  refresh: () => Promise<void>;
  /**
   * Do something with the pipeline as it is shown: saved before, asked for again after. Says
   * whether it went well.
   */
  act: (doing: () => Promise<unknown>, stays?: boolean) => Promise<boolean>;
}

/** The day that a run is for by default: that of UTC, as the server has it. */
const today = (): string => new Date().toISOString().slice(0, 10);

type FormName = 'run' | 'backfill';

/**
 * What can be done with a pipeline. before: done before a run, such as saving its file; says
 * whether to go on.
 */
export function usePipelineActions(
  name: string,
  detail: IPipelineDetail | undefined,
  refresh: () => Promise<void>,
  before: () => Promise<boolean> = () => Promise.resolve(true)
): IPipelineActions {
  const { commands } = useWorkbench();
  const { run, busy } = useAction();
  const call = (verb: string, args: ReadonlyPartialJSONObject): Promise<unknown> =>
    commands.execute(`mlinfra:pipelines-${verb}`, { ref: formatRef('pipeline', name), ...args });
  useSeen(formatRef('pipeline', name), detail);
  const [form, show] = useState<FormName | null>(null);
  const last = detail?.runs[0];
  const running = last?.state === 'running';
  const act = async (doing: () => Promise<unknown>, stays = false): Promise<boolean> => {
    let well = false;
    await run(async () => {
      // a command answers false if it failed, and has shown why
      if ((await before()) && (await doing()) !== false) {
        well = true;
        if (!stays) {
          show(null);
        }
        await refresh();
      }
    });
    return well;
  };
  return {
    busy,
    last,
    running,
    form,
    show: name => (name === null ? show(null) : void act(() => Promise.resolve(show(name)), true)),
    refresh,
    act,
    start: (options = {}) => void act(() => call('run', options as ReadonlyPartialJSONObject)),
    cancel: () => last && void run(() => call('cancel-run', { run: last.run }).then(refresh)),
    repair: ({ run }) => void act(() => call('repair', { run }))
  };
}

interface IButtonsProps {
  detail: IPipelineDetail | undefined;
  actions: IPipelineActions;
}

/** Run, Repair, Backfill…, Schedule… */
export function PipelineButtons({ detail, actions }: IButtonsProps): React.ReactElement {
  const { commands, trans } = useWorkbench();
  const { busy, last, running, form, show } = actions;
  const asks = detail !== undefined && parametersOf(detail).length > 0;
  const count = detail && last ? undone(last, detail.graph) : 0;
  return (
    <>
      <Button
        kind={count ? 'default' : 'primary'}
        icon="play"
        label={asks ? trans.__('Run…') : trans.__('Run')}
        disabled={busy || running || !detail}
        pressed={asks ? form === 'run' : undefined}
        onClick={() => (asks ? show(form === 'run' ? null : 'run') : actions.start())}
      />
      {last && count > 0 && (
        <Button
          kind="primary"
          label={trans._n('Repair, %1 step', 'Repair, %1 steps', count)}
          caption={trans.__(
            'Run the failed steps and what depends on them; steps that succeeded are not run again'
          )}
          disabled={busy}
          onClick={() => actions.repair(last)}
        />
      )}
      {running && (
        <Button
          icon="stop"
          label={trans.__('Cancel')}
          caption={trans.__('End the run; what its steps have made so far stays')}
          disabled={busy}
          onClick={actions.cancel}
        />
      )}
      <Button
        label={trans.__('Backfill…')}
        caption={
          detail?.date
            ? trans.__('One run for each date of a range')
            : trans.__('No step uses a date: write {{ date }} under params, in or out')
        }
        disabled={!detail?.date}
        pressed={form === 'backfill'}
        onClick={() => show(form === 'backfill' ? null : 'backfill')}
      />
      <Button
        icon="clock"
        label={trans.__('Schedule…')}
        disabled={!detail}
        onClick={() =>
          void commands.execute('mlinfra:schedules-create', {
            pipeline: detail?.pipeline.name ?? ''
          })
        }
      />
    </>
  );
}

/** The form that is open below the header. */
export function PipelineForms({ detail, actions }: IButtonsProps): React.ReactElement | null {
  if (!detail || !actions.form) {
    return null;
  }
  return actions.form === 'run' ? (
    <RunForm detail={detail} actions={actions} />
  ) : (
    <BackfillForm detail={detail} actions={actions} />
  );
}

interface IFormProps {
  detail: IPipelineDetail;
  actions: IPipelineActions;
}

function RunForm({ detail, actions }: IFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const asked = detail.date && !Object.hasOwn(detail.parameters, detail.date);
  const [texts, setTexts] = useState<Texts>(asked ? { [detail.date]: today() } : {});
  const [force, setForce] = useState(false);
  const parameters = parametersOf(detail);
  const { values, faults } = readTexts(parameters, texts);
  return (
    <InlineForm
      label={trans.__('Run with parameters')}
      onSubmit={() => actions.start({ parameters: values, force })}
      onClose={() => actions.show(null)}
    >
      <ParameterInputs {...{ parameters, texts, faults }} onChange={setTexts} />
      <label className={cx('pipelines-check')}>
        <input type="checkbox" checked={force} onChange={event => setForce(event.target.checked)} />
        {trans.__('take nothing from the cache')}
      </label>
      <Button
        kind="primary"
        icon="play"
        label={trans.__('Start Run')}
        disabled={faults.size > 0 || actions.busy}
        submit
      />
    </InlineForm>
  );
}

function BackfillForm({ detail, actions }: IFormProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { act, busy } = actions;
  const [range, setRange] = useState({
    first: today(),
    last: today(),
    every: 'day' as 'day' | 'week' | 'month'
  });
  const [plan, setPlan] = useState<IBackfill | null>(null);
  const { name } = detail.pipeline;
  const change = (part: Partial<typeof range>): void => {
    setRange({ ...range, ...part });
    setPlan(null); // what was counted is of another range
  };
  const count = (): Promise<boolean> =>
    act(
      async () => setPlan(await client.pipelines.backfill(name, { ...range, dry_run: true })),
      true
    );
  const begin = (): Promise<boolean> =>
    act(async () => {
      const started = await client.pipelines.backfill(name, { ...range, dry_run: false });
      done(trans._n('%1 run begins.', '%1 runs begin, oldest first.', started.runs), trans);
    });
  return (
    <InlineForm
      label={trans.__('Backfill')}
      onSubmit={() => (plan ? begin() : count())}
      onClose={() => actions.show(null)}
    >
      <Field
        label={trans.__('from')}
        type="date"
        width={128}
        value={range.first}
        onChange={first => change({ first })}
      />
      <Field
        label={trans.__('to')}
        type="date"
        width={128}
        value={range.last}
        onChange={last => change({ last })}
      />
      <Select
        label={trans.__('every')}
        value={range.every}
        options={[
          { value: 'day', label: trans.__('day') },
          { value: 'week', label: trans.__('week') },
          { value: 'month', label: trans.__('month') }
        ]}
        onChange={every => change({ every: every as typeof range.every })}
      />
      {plan && <Plan plan={plan} />}
      <Button
        kind="primary"
        label={plan ? trans._n('Start %1 Run', 'Start %1 Runs', plan.runs) : trans.__('Count')}
        disabled={busy || plan?.runs === 0}
        submit
      />
    </InlineForm>
  );
}

function Plan({ plan }: { plan: IBackfill }): React.ReactElement {
  const { trans } = useWorkbench();
  const { dates, runs, steps, cached, parallel, note } = plan;
  return (
    <span role="status">
      {[
        trans._n('%1 date', '%1 dates', dates.length),
        trans.__('%1 done', dates.length - runs),
        trans._n('at most %1 step runs', 'at most %1 steps run', steps),
        trans.__('at least %1 from the cache', cached),
        runs > 1 && trans._n('%1 date at once', '%1 dates at once', parallel),
        note
      ]
        .filter(Boolean)
        .join(' · ')}
    </span>
  );
}
