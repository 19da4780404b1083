import '../../style/pipelines.css';

import React, { useEffect, useMemo, useRef, useState } from 'react';

import { ApiError } from '../api/errors';
import type {
  IExplanation,
  IPipelineDetail,
  IPipelineRun,
  ISchedule,
  IStepRun
} from '../api/types';
import { Button, Link } from '../components/button';
import { ErrorCard, type IAction, Result, WaitingCard } from '../components/card';
import { cx } from '../components/cx';
import { usePageVerb } from '../components/frame';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPipelineActions } from './actions';
import { dueWords, firingLook, nearest, whenWords, zoneName } from './due';
import { cellOf, columnsOf, type IColumn, type IMissed, rowsOf, undone } from './grid';
import { type ICellSpot, Matrix } from './matrix';
import { secondsOf } from './seconds';

interface IDueTimes {
  schedules: readonly ISchedule[];
  missed: readonly IMissed[];
}

/** Firings that are asked for of each schedule: more than a matrix holds in sight. */
const FIRINGS = 200;

/** The schedules of a pipeline, and their times at which nothing was run. */
function useMissed(pipeline: string, path: string): IQuery<IDueTimes> {
  const { client } = useWorkbench();
  return useQuery(
    `pipeline:${pipeline} missed`,
    async signal => {
      const { items } = await client.schedules.list({ limit: 500 }, signal);
      const schedules = items.filter(item => item.pipeline === pipeline || item.pipeline === path);
      const histories = await Promise.all(
        schedules.map(({ name }) => client.schedules.history(name, { limit: FIRINGS }, signal))
      );
      const missed = histories.flatMap((page, index) =>
        page.items
          .filter(({ state }) => state === 'missed' || state === 'skipped' || state === 'failed')
          .map(firing => ({ ...firing, schedule: schedules[index]?.name ?? '' }))
      );
      return { schedules, missed };
    },
    { topics: ['schedule'] }
  );
}

interface IRunsProps {
  detail: IPipelineDetail;
  actions: IPipelineActions;
  /** The step that was chosen elsewhere, such as in the graph. */
  step: string | null;
  onStep: (step: string) => void;
}

/** Steps × runs, and the details of the chosen cell. */
export function RunsView({ detail, actions, step, onStep }: IRunsProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const openFile = useOpenFile();
  const { name, path } = detail.pipeline;
  const { query, onMore } = useList(
    `pipeline:${name} runs`,
    (limit, signal) => client.pipelines.runs(name, { limit }, signal),
    {
      topics: ['step'],
      about: formatRef('pipeline', name),
      every: page => (page?.items.some(({ state }) => state === 'running') ? 5_000 : 60_000)
    }
  );
  const due = useMissed(name, path);
  const [column, setColumn] = useState<string | null>(null);
  const page = query.data;
  const columns = useMemo(
    () => (page ? columnsOf(page.items, due.data?.missed ?? [], page.shown >= page.total) : []),
    [page, due.data]
  );
  const rows = useMemo(() => rowsOf(detail.graph, page?.items ?? []), [detail.graph, page]);
  const shown = columns.find(item => item.id === column) ?? columns.filter(item => item.run).at(-1);
  const chosen =
    step === null
      ? null
      : (rows.find(row => row === step) ?? rows.find(row => row.startsWith(`${step}[`)));
  const spot = chosen && shown ? { row: chosen, column: shown.id } : null;
  const select = (next: ICellSpot): void => {
    setColumn(next.column);
    onStep(next.row);
  };
  const [cards, showCards] = useScrollTo();
  const openCell = (next: ICellSpot): void => {
    select(next);
    showCards();
    const at = columns.find(item => item.id === next.column);
    const run = at && cellOf(at, next.row);
    if (run?.state === 'failed' && run.notebook) {
      openFile(run.notebook);
    }
  };
  const next = nearest(due.data?.schedules ?? []);
  return (
    <Result query={query}>
      {data => (
        <>
          <Heading
            title={trans.__('Steps × runs')}
            note={
              <>
                {next
                  ? [
                      whenWords(next, trans),
                      next.next[0] && trans.__('next %1', dueWords(next.next[0]))
                    ]
                      .filter(Boolean)
                      .join(' · ')
                  : ''}
              </>
            }
          >
            <More page={data} onMore={onMore} />
          </Heading>
          {columns.length ? (
            <Matrix
              pipeline={name}
              rows={rows}
              columns={columns}
              selected={spot}
              onSelect={select}
              onOpen={openCell}
            />
          ) : (
            <p className={cx('more')}>{trans.__('It has not run yet.')}</p>
          )}
          <StatesKey columns={columns} />
          <Cards
            place={cards}
            detail={detail}
            actions={actions}
            column={shown}
            step={chosen ?? null}
            schedules={due.data?.schedules ?? []}
            onDone={async () => {
              await Promise.all([due.refresh(), query.refresh(), actions.refresh()]);
            }}
          />
        </>
      )}
    </Result>
  );
}

/**
 * A place, and the call that brings it into sight with what is drawn next: below a large matrix, or
 * in a low window, it may lie beyond the edge.
 */
function useScrollTo(): [place: React.RefObject<HTMLDivElement>, show: () => void] {
  const place = useRef<HTMLDivElement>(null);
  const [asked, ask] = useState(0);
  useEffect(() => {
    if (asked) {
      place.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [asked]);
  return [place, () => ask(count => count + 1)];
}

/** The shapes that stand in the matrix, with their words. */
function StatesKey({ columns }: { columns: readonly IColumn[] }): React.ReactElement | null {
  const states = new Set<string>(
    columns.flatMap(
      ({ run, missed }): string[] =>
        run?.steps.map(({ state }) => state) ?? (missed ? [firingLook(missed)] : [])
    )
  );
  return states.size ? (
    <p className={cx('more', 'legend')}>
      {[...states].map(state => (
        <State key={state} state={state} />
      ))}
    </p>
  ) : null;
}

interface ICardsProps {
  /** Where they stand. */
  place: React.RefObject<HTMLDivElement>;
  detail: IPipelineDetail;
  actions: IPipelineActions;
  column: IColumn | undefined;
  step: string | null;
  schedules: readonly ISchedule[];
  onDone: () => Promise<void>;
}

function Cards(props: ICardsProps): React.ReactElement | null {
  const { place, detail, actions, column, step, schedules, onDone } = props;
  const run = column?.run;
  const failed = run?.steps.filter(({ state }) => state === 'failed') ?? [];
  const chosen = step === null ? undefined : run?.steps.find(({ name }) => name === step);
  return (
    <div ref={place} className={cx('pipelines-run-cards')}>
      {column?.missed && <Missed missed={column.missed} schedules={schedules} onDone={onDone} />}
      {(chosen?.state === 'failed' ? [chosen] : failed).map(item => (
        <Failed key={item.name} step={item} {...{ detail, actions, run }} />
      ))}
      {step !== null && (
        <StepCard
          key={`${step} ${run?.run}`}
          detail={detail}
          actions={actions}
          step={step}
          ran={chosen}
          run={run}
        />
      )}
    </div>
  );
}

interface IMissedProps {
  missed: IMissed;
  schedules: readonly ISchedule[];
  onDone: () => Promise<void>;
}

function Missed({ missed, schedules, onDone }: IMissedProps): React.ReactElement {
  const { trans, open, commands } = useWorkbench();
  const action = useAction();
  const schedule = schedules.find(({ name }) => name === missed.schedule);
  const actions: IAction[] = [
    {
      label: trans.__('Run Now'),
      caption: trans.__('Run it for that time'),
      disabled: action.busy || !schedule,
      onClick: () =>
        void action.run(() =>
          commands
            .execute('mlinfra:schedules-run-now', {
              ref: formatRef('schedule', missed.schedule),
              due: missed.due
            })
            .then(onDone)
        )
    },
    {
      label: trans.__('Open Schedule'),
      onClick: () => void open(formatRef('schedule', missed.schedule))
    },
    {
      label: trans.__('Edit Policy…'),
      onClick: () =>
        void commands.execute('mlinfra:schedules-create', { schedule: missed.schedule })
    }
  ];
  const at = `${dueWords(missed.due)} ${schedule ? zoneName(schedule.tz) : ''}`.trim();
  const title =
    missed.state === 'missed'
      ? trans.__('The run of %1 was missed', at)
      : missed.state === 'skipped'
        ? trans.__('The run of %1 was skipped', at)
        : trans.__('The run of %1 could not be started', at);
  return <WaitingCard title={title} reason={missed.reason} actions={actions} />;
}

interface IFailedProps {
  detail: IPipelineDetail;
  step: IStepRun;
  actions: IPipelineActions;
  run: IPipelineRun | undefined;
}

function Failed({ detail, step, actions, run }: IFailedProps): React.ReactElement {
  const { trans, open } = useWorkbench();
  const openFile = useOpenFile();
  const { notebook, job } = step;
  const verbs: IAction[] = [];
  const repairable = run && undone({ ...run, steps: [step] }, detail.graph) > 0;
  if (repairable) {
    verbs.push({
      label: trans.__('Repair'),
      disabled: actions.busy,
      onClick: () => actions.repair(run)
    });
  }
  if (notebook) {
    verbs.push({
      label: trans.__('Open Executed Notebook'),
      onClick: () => openFile(notebook)
    });
  }
  if (job) {
    verbs.push({ label: trans.__('Open Job'), onClick: () => void open(formatRef('job', job)) });
  }
  const fix = repairable
    ? trans.__(
        'Repair runs %1 and what depends on it; steps that succeeded are not run again.',
        step.name
      )
    : '';
  return (
    <ErrorCard
      error={new ApiError('step_failed', trans.__('%1 failed', step.name), step.reason, fix)}
      actions={verbs}
    />
  );
}

interface IStepCardProps {
  detail: IPipelineDetail;
  actions: IPipelineActions;
  step: string;
  ran: IStepRun | undefined;
  run: IPipelineRun | undefined;
}

/** Why a step ran in a run, and what it would do now. */
function StepCard({ detail, actions, step, ran, run }: IStepCardProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const openFile = useOpenFile();
  const action = useAction();
  const [explanation, setExplanation] = useState<IExplanation | null>(null);
  const [whole, setWhole] = useState(ran); // a list of runs has the first line of a detail only
  const { name } = detail.pipeline;
  const explain = (): Promise<boolean> =>
    action.run(async () => {
      const [now, then] = await Promise.all([
        client.pipelines.explain(name, step),
        run && ran?.detail ? client.pipelines.showRun(run.run) : null
      ]);
      setExplanation(now);
      setWhole(then?.steps.find(item => item.name === step) ?? ran);
    });
  const runFrom = (): void => actions.start({ from_step: step.replace(/\[.*$/, '') });
  const free = !actions.busy && !actions.running;
  usePageVerb('mlinfra:pipelines-explain', () => void explain());
  usePageVerb('mlinfra:pipelines-run-here', runFrom, free);
  const seconds = ran ? secondsOf(ran) : null;
  const { notebook, job } = ran ?? {};
  return (
    <section className={cx('card', 'pipelines-step-card')} aria-label={trans.__('Step %1', step)}>
      <div className={cx('card-title')}>
        {ran && <State state={ran.state} bare />}
        {step}
        <span className={cx('quiet')}>
          {[run && format.time(run.started_at), seconds !== null && format.duration(seconds)]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      {ran && ran.state !== 'failed' && ran.reason !== ran.changed.join(', ') && (
        <p>{ran.reason}</p>
      )}
      {ran && <Changed changed={ran.changed} detail={detailOf(whole ?? ran)} />}
      {explanation && (
        <>
          <p>
            <b>
              {explanation.changed.length
                ? trans.__('Now it would run again:')
                : trans.__('Now it would come from the cache.')}
            </b>
          </p>
          <Changed changed={explanation.changed} detail={explanation.detail} />
        </>
      )}
      <div className={cx('actions')}>
        <Button icon="play" label={trans.__('Run from Here')} disabled={!free} onClick={runFrom} />
        <Button
          label={trans.__('Explain')}
          caption={trans.__(
            'What has changed since its last result, and whether it would run again'
          )}
          disabled={action.busy}
          onClick={() => void explain()}
        />
        {notebook && ran?.state !== 'failed' && (
          <Button label={trans.__('Open Executed Notebook')} onClick={() => openFile(notebook)} />
        )}
        {job && ran?.state !== 'failed' && (
          <Link onClick={() => void open(formatRef('job', job))}>{trans.__('Open Job')}</Link>
        )}
      </div>
    </section>
  );
}

/** What neither the reason nor the names of what changed say. */
const detailOf = ({ detail, reason, changed }: IStepRun): string =>
  detail === reason || detail === changed.join(', ') ? '' : detail;

/** Parts of a step's key that changed, and how: the lines of code that went and came. */
function Changed({
  changed,
  detail
}: {
  changed: readonly string[];
  detail: string;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!changed.length && !detail) {
    return null;
  }
  return (
    <div className={cx('pipelines-changed')}>
      {changed.length > 0 && <p>{trans.__('changed: %1', changed.join(', '))}</p>}
      {detail && (
        <pre>
          {detail.split('\n').map((line, index) => (
            <span
              key={index}
              className={cx(/^\s*\+/.test(line) ? 'is-added' : /^\s*-/.test(line) && 'is-removed')}
            >
              {`${line}\n`}
            </span>
          ))}
        </pre>
      )}
    </div>
  );
}
