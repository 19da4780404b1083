import React, { useState } from 'react';

import type { IAnswerComparison, IDeployment, IDeploymentDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { choices, Select } from '../components/select';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { useCopies } from './copies';
import { HOURS } from './plancommands';

/** The server reaches no further back. */
const MOST_HOURS = 366 * 24;

/** What versions would have answered: shadows by their copies, others by a replay of the log. */
export function Comparisons({ detail }: { detail: IDeploymentDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { deployment, replays } = detail;
  const shadows = deployment.versions.filter(({ role }) => role === 'shadow');
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Beside the answers that were given')}
        note={trans.__('shadows by their copies of the last %1 hours, others by a replay', HOURS)}
      />
      <Replay deployment={deployment} />
      {shadows.map(({ version }) => (
        <Shadow key={version} deployment={deployment} version={version} />
      ))}
      {replays.length ? (
        <Compared label={trans.__('Replays to %1', deployment.name)} items={replays} />
      ) : (
        <p className={cx('more')}>{trans.__('Nothing was replayed yet.')}</p>
      )}
    </section>
  );
}

/** Send the logged requests of some hours to a version, as a job. */
function Replay({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { commands, trans } = useWorkbench();
  const { run, busy } = useAction();
  const names = deployment.versions.map(({ version }) => version);
  const [version, setVersion] = useState(names.at(-1) ?? '');
  const [hours, setHours] = useState(String(HOURS));
  const faulty = !(Number(hours) > 0 && Number(hours) <= MOST_HOURS);
  return (
    <form
      className={cx('bar')}
      aria-label={trans.__('Replay')}
      onSubmit={event => {
        event.preventDefault();
        const args = { ref: deployment.ref, version, hours: Number(hours) };
        void run(() => commands.execute('mlinfra:deployments-replay', args));
      }}
    >
      <Select
        label={trans.__('version')}
        value={version}
        options={choices(names, version)}
        onChange={setVersion}
      />
      <Field
        label={trans.__('requests of the last')}
        type="number"
        min={0}
        max={MOST_HOURS}
        step="any"
        width={64}
        unit={trans.__('hours')}
        value={hours}
        fault={faulty ? trans.__('More than 0, at most %1.', MOST_HOURS) : undefined}
        onChange={setHours}
      />
      <Button
        submit
        label={busy ? trans.__('Starting…') : trans.__('Replay')}
        disabled={busy || faulty || !version}
      />
      <span className={cx('quiet')}>
        {trans.__('It gets no traffic for it; the job’s page opens.')}
      </span>
    </form>
  );
}

function Shadow({
  deployment,
  version
}: {
  deployment: IDeployment;
  version: string;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const query = useCopies(deployment.name, version);
  if (query.error?.code === 'unprocessable') {
    return (
      <p className={cx('more')}>
        {trans.__('%1 has answered no copy of the last %2 hours yet.', version, HOURS)}
      </p>
    );
  }
  return (
    <Result query={query} rows={2}>
      {found => <Compared label={trans.__('Shadow %1', version)} items={[found]} />}
    </Result>
  );
}

function Compared({
  label,
  items
}: {
  label: string;
  items: readonly IAnswerComparison[];
}): React.ReactElement {
  const workbench = useWorkbench();
  return (
    <>
      <Table
        label={label}
        columns={columnsOf(workbench, clock(items.map(({ at }) => at)))}
        rows={items}
        row={item => ({ id: `${item.kind} ${item.id}` })}
      />
      {[...new Set(items.flatMap(({ notes }) => notes))].map(note => (
        <p key={note} className={cx('more')}>
          {note}
        </p>
      ))}
    </>
  );
}

const columnsOf = (
  { trans }: IWorkbench,
  time: (at: string) => string
): IColumnSpec<IAnswerComparison>[] => [
  {
    key: 'version',
    head: trans.__('version'),
    width: 90,
    cell: item => (
      <>
        <b>{item.version}</b> <span className={cx('quiet')}>{kindOf(item, trans)}</span>
      </>
    )
  },
  { key: 'rows', head: trans.__('rows'), width: 80, figure: item => item.rows },
  {
    key: 'agreement',
    head: trans.__('agree'),
    width: 90,
    end: true,
    cell: item => (
      <span title={item.rule}>
        {item.agreement === null ? format.DASH : format.percent(item.agreement, 1)}
      </span>
    )
  },
  {
    key: 'shift',
    head: trans.__('score shift'),
    width: 100,
    end: true,
    cell: item => (item.score_shift === null ? format.DASH : signed(item.score_shift))
  },
  {
    key: 'p95',
    head: trans.__('p95 ms'),
    width: 160,
    end: true,
    cell: item => (
      <span title={item.latency_basis}>
        {trans.__(
          '%1, given in %2',
          format.number(item.latency.p95_ms ?? null, 3),
          format.number(item.latency.given_p95_ms ?? null, 3)
        )}
      </span>
    )
  },
  { key: 'refused', head: trans.__('refused'), width: 80, figure: item => item.refused },
  { key: 'left', head: trans.__('left out'), width: 80, figure: item => item.left_out },
  { key: 'at', head: trans.__('when'), width: 120, cell: item => time(item.at) },
  { key: 'user', head: trans.__('who'), cell: item => item.user || format.DASH }
];

const kindOf = ({ kind }: IAnswerComparison, trans: IWorkbench['trans']): string =>
  kind === 'shadow' ? trans.__('shadow') : trans.__('replay');

const signed = (value: number): string =>
  value > 0 ? `+${format.number(value, 3)}` : format.number(value, 3);
