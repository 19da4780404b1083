import '../../style/pipelines.css';

import React from 'react';

import type { IPage, ISchedule } from '../api/types';
import { ActionButton } from '../components/action';
import { Button, Link } from '../components/button';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { Icon } from '../components/icon';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { State } from '../components/state';
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
      body={page => <Schedules page={page} />}
    >
      <Button bare kind="quiet" icon="plus" label={trans.__('New Schedule…')} onClick={create} />
    </ListSection>
  );
}

interface ISchedulesProps {
  page: IPage<ISchedule>;
}

function Schedules({ page }: ISchedulesProps): React.ReactElement {
  const workbench = useWorkbench();
  return (
    <List
      label={workbench.trans.__('Schedules')}
      rows={page.items.map(item => scheduleRow(item, workbench))}
    />
  );
}

function scheduleRow(schedule: ISchedule, workbench: IWorkbench): IListRow {
  const { trans } = workbench;
  const { name, state, ref, missed } = schedule;
  const paused = state === 'paused';
  return {
    id: ref,
    ref,
    item: schedule,
    lead: paused ? <State state="paused" bare /> : <Icon name="clock" />,
    name,
    title: [schedule.what, whenWords(schedule, trans)].join('\n'),
    meta: (
      <span className={cx('row-verbs')}>
        <span className={cx('row-detail')}>{whenShort(schedule)}</span>
        <ActionButton
          bare
          kind="quiet"
          command={paused ? 'mlinfra:schedules-resume' : 'mlinfra:schedules-pause'}
          target={schedule}
          label={paused ? trans.__('Resume %1', name) : trans.__('Pause %1', name)}
        />
        {!paused && (
          <ActionButton
            bare
            kind="quiet"
            command="mlinfra:schedules-run-now"
            target={schedule}
            label={trans.__('Run %1 Now', name)}
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
          <span className={cx('pipelines-missed-line')}>
            <State state="missed">{trans._n('missed %1', 'missed %1', missed)}</State>{' '}
            <Link
              onClick={() =>
                void workbench.commands.execute('mlinfra:schedules-run-missed', { ref })
              }
            >
              {trans.__('Run Now')}
            </Link>
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
