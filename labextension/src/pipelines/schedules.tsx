import React from 'react';

import type { IPage, ISchedule } from '../api/types';
import { Button, Link } from '../components/button';
import { EmptyCard } from '../components/card';
import { done } from '../components/confirm';
import { cx } from '../components/cx';
import { Icon } from '../components/icon';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { State } from '../components/state';
import { type IActionState, useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { dueWords, untilWords, whenShort, whenWords } from './due';

const FORM = 'mlinfra:schedules-create';

/**
 * The schedules of the project: when each is due next, what it missed, and the buttons of a pause.
 */
export function SchedulesSection(): React.ReactElement {
  const { client, commands, trans } = useWorkbench();
  const create = (): void => void commands.execute(FORM);
  return (
    <ListSection
      name="jobs:schedules"
      list="schedules"
      title={trans.__('Schedules')}
      fetch={(limit, signal) => client.schedules.list({ limit }, signal)}
      topics={['schedule']}
      lines={1}
      empty={() => (
        <EmptyCard
          sentence={trans.__('A schedule runs a pipeline or a notebook while you are away.')}
          action={{ label: trans.__('New Schedule…'), onClick: create }}
          code="%schedule list"
        />
      )}
      body={(page, { refresh }) => <Schedules page={page} onChange={refresh} />}
    >
      <Button bare kind="quiet" icon="plus" label={trans.__('New Schedule…')} onClick={create} />
    </ListSection>
  );
}

interface ISchedulesProps {
  page: IPage<ISchedule>;
  onChange: () => Promise<void>;
}

function Schedules({ page, onChange }: ISchedulesProps): React.ReactElement {
  const workbench = useWorkbench();
  const action = useAction();
  const verbs = scheduleVerbs(workbench, action, onChange);
  return (
    <List
      label={workbench.trans.__('Schedules')}
      rows={page.items.map(item => scheduleRow(item, workbench, verbs, action.busy))}
    />
  );
}

/** What can be done with a schedule, from its row and from its page. */
export interface IScheduleVerbs {
  /** Pause an active one, resume a paused one; both can be undone. */
  toggle: (schedule: ISchedule) => void;
  /** due: for that due time, such as one that was missed. */
  runNow: (schedule: ISchedule, due?: string) => void;
  /** Run for the newest due time that was missed. */
  runMissed: (schedule: ISchedule) => void;
}

export function scheduleVerbs(
  { client, trans }: IWorkbench,
  { run }: IActionState,
  onChange: () => Promise<void>
): IScheduleVerbs {
  const turn = (name: string, active: boolean): Promise<boolean> =>
    run(async () => {
      await (active ? client.schedules.resume(name) : client.schedules.pause(name));
      await onChange();
      done(
        active
          ? trans.__('%1 is resumed.', name)
          : trans.__('%1 is paused: it starts nothing until you resume it.', name),
        trans,
        { label: trans.__('Undo'), run: () => void turn(name, !active) }
      );
    });
  const begin = async (name: string, due?: string): Promise<void> => {
    await client.schedules.runNow(name, due);
    await onChange();
    done(
      due ? trans.__('%1 runs for %2.', name, dueWords(due)) : trans.__('%1 runs now.', name),
      trans
    );
  };
  return {
    toggle: ({ name, state }) => void turn(name, state === 'paused'),
    runNow: ({ name }, due) => void run(() => begin(name, due)),
    runMissed: ({ name }) =>
      void run(async () => {
        const { items } = await client.schedules.history(name, { limit: 500 });
        const made = new Set(
          items.filter(item => item.state === 'started').map(item => item.due_at)
        );
        const missed = items.find(item => item.state === 'missed' && !made.has(item.due_at));
        if (missed) {
          await begin(name, missed.due);
        } else {
          await onChange();
          done(trans.__('No missed time of %1 is left: nothing was started.', name), trans);
        }
      })
  };
}

function scheduleRow(
  schedule: ISchedule,
  workbench: IWorkbench,
  verbs: IScheduleVerbs,
  busy: boolean
): IListRow {
  const { trans } = workbench;
  const { name, state, ref, missed } = schedule;
  const paused = state === 'paused';
  return {
    id: ref,
    ref,
    lead: paused ? <State state="paused" bare /> : <Icon name="clock" />,
    name,
    title: [schedule.what, whenWords(schedule, trans)].join('\n'),
    meta: (
      <span className={cx('row-verbs')}>
        <span className={cx('row-detail')}>{whenShort(schedule)}</span>
        <Button
          bare
          kind="quiet"
          icon={paused ? 'play' : 'pause'}
          disabled={busy}
          label={paused ? trans.__('Resume %1', name) : trans.__('Pause %1', name)}
          onClick={() => verbs.toggle(schedule)}
        />
        {!paused && (
          <Button
            bare
            kind="quiet"
            icon="play"
            disabled={busy}
            label={trans.__('Run %1 Now', name)}
            onClick={() => verbs.runNow(schedule)}
          />
        )}
      </span>
    ),
    lines: (
      <>
        {schedule.problem ? (
          <span className={cx('tone-wait')}>{schedule.problem}</span>
        ) : (
          <span className={cx('quiet')}>{nextWords(schedule, workbench)}</span>
        )}
        {missed > 0 && (
          <span className={cx('missed-line')}>
            <State state="missed">{trans._n('missed %1', 'missed %1', missed)}</State>{' '}
            <Link onClick={() => verbs.runMissed(schedule)}>{trans.__('Run Now')}</Link>
          </span>
        )}
      </>
    )
  };
}

function nextWords({ state, next, last }: ISchedule, { trans }: IWorkbench): string {
  const [first] = next;
  if (state === 'paused' || !first) {
    return last ? trans.__('paused · last %1', dueWords(last.due)) : trans.__('paused');
  }
  return trans.__('next %1, %2', dueWords(first), untilWords(first, trans));
}
