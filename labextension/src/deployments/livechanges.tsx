import '../../style/deploying.css';

import React, { useState } from 'react';

import type { IDeployedVersion, IDeployment, IDifference, ILiveComparison } from '../api/types';
import { Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Diff } from '../components/diff';
import { Differing } from '../components/difference';
import { Heading } from '../components/header';
import { type IColumnSpec, Table } from '../components/table';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

/** The version that is live: with most of the traffic. */
export const liveOf = (deployment: IDeployment | undefined): IDeployedVersion | undefined =>
  [...(deployment?.versions ?? [])]
    .sort((a, b) => b.traffic - a.traffic)
    .find(({ traffic }) => traffic > 0);

interface ILiveChangesProps {
  /** The name of the deployment. */
  name: string;
  /** Such as `churn/3`. */
  version: string;
}

/** What a deploy would change: the version beside the one that is live. */
export function LiveChanges({ name, version }: ILiveChangesProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `compare:${name}:${version}`,
    signal => client.deployments.compare(name, version, signal),
    {
      topics: ['deployment', 'model'],
      about: [formatRef('deployment', name), formatRef('model', version.replace(/\/[^/]*$/, ''))],
      every: () => null
    }
  );
  return (
    <section className={cx('split')} aria-label={trans.__('Beside what is live')}>
      <Result query={query} rows={3}>
        {found => <Found found={found} />}
      </Result>
    </section>
  );
}

function Found({ found }: { found: ILiveComparison }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const [all, showAll] = useState(false);
  const other = found.rows.filter(({ same }) => !same);
  const same = found.rows.length - other.length;
  const rows = all ? found.rows : other;
  return (
    <>
      <Heading
        title={trans.__('Beside what is live')}
        note={trans.__(
          '%1 answers %2 % of the requests to %3',
          found.live,
          found.traffic,
          found.deployment
        )}
      />
      {found.notes.map(note => (
        <p key={note} className={cx('more')}>
          {note}
        </p>
      ))}
      {rows.length > 0 && (
        <Table
          label={trans.__('Beside what is live')}
          columns={columnsOf(found, workbench)}
          rows={rows}
          row={row => ({ id: `${row.kind} ${row.key}` })}
          fixed
        />
      )}
      <p className={cx('more')}>
        {other.length === 0 && trans.__('Nothing that is recorded of the two differs.')}{' '}
        {same > 0 && trans._n('%1 line is the same', '%1 lines are the same', same)}{' '}
        {same > 0 && (
          <Link open={all} onClick={() => showAll(!all)}>
            {all ? trans.__('only different') : trans.__('show them')}
          </Link>
        )}
      </p>
      {found.code && (
        <>
          <Heading
            title={trans.__('Code')}
            note={trans.__('the files of the project when each was made')}
          />
          <Diff text={found.code} label={trans.__('How the code differs')} />
        </>
      )}
    </>
  );
}

function columnsOf(
  { live, version }: ILiveComparison,
  { trans }: IWorkbench
): IColumnSpec<IDifference>[] {
  const kinds: Readonly<Record<string, string>> = {
    metric: trans.__('metric'),
    param: trans.__('parameter'),
    dataset: trans.__('dataset'),
    code: trans.__('code'),
    input: trans.__('input'),
    output: trans.__('output'),
    environment: trans.__('environment')
  };
  return [
    { key: 'kind', head: trans.__('what'), width: 110, cell: row => kinds[row.kind] ?? row.kind },
    {
      key: 'key',
      head: trans.__('name'),
      width: 280,
      cell: row => <span className={cx('strong-name')}>{row.key}</span>
    },
    ...[trans.__('%1, live', live), version].map((head, index): IColumnSpec<IDifference> => ({
      key: head,
      head,
      width: 180,
      end: true,
      cell: row => <Differing row={row} index={index} strong={index === 1 && !row.same} />
    })),
    { key: 'rest', head: '', cell: () => null }
  ];
}
