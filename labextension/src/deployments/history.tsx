import '../../style/deployments.css';

import React from 'react';

import type { IChange, IDeployment } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { confirm } from '../components/confirm';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IWorkbench } from '../tokens';
import { type IUndoing, undoings } from './undoing';
import { reached, words } from './weights';

interface IHistoryProps {
  deployment: IDeployment;
  /** Only so many of the newest changes. */
  most?: number;
}

/** What was changed, when, by whom and why; each change of traffic can be undone. */
export function History({ deployment, most }: IHistoryProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { query, onMore } = useList(
    `history:${deployment.name}`,
    (limit, signal) => client.deployments.history(deployment.name, { limit }, signal),
    { topics: ['deployment'], about: deployment.ref }
  );
  const total = query.data?.total ?? 0;
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('History')}
        note={
          most && total > most
            ? trans.__('the newest %1 of %2 changes', most, format.number(total))
            : trans._n('%1 change', '%1 changes', total)
        }
      />
      <Result query={query}>
        {page => (
          <>
            <Changes deployment={deployment} items={page.items} most={most ?? page.items.length} />
            {!most && (
              <More
                page={page}
                onMore={onMore}
                rest={trans.__('mlinfra deployments history has all')}
              />
            )}
          </>
        )}
      </Result>
    </section>
  );
}

interface IChangesProps {
  deployment: IDeployment;
  items: readonly IChange[];
  most: number;
}

function Changes({ deployment, items, most }: IChangesProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const undoing = undoings(items, deployment.versions);
  const rows = items.slice(0, most).map((change, index) => ({ change, undo: undoing[index] }));
  const time = clock(rows.map(({ change }) => change.at));
  const columns: IColumnSpec<(typeof rows)[number]>[] = [
    { key: 'at', head: trans.__('when'), width: 110, cell: ({ change }) => time(change.at) },
    { key: 'user', head: trans.__('who'), width: 80, cell: ({ change }) => change.user },
    { key: 'verb', head: trans.__('verb'), width: 90, cell: ({ change }) => <b>{change.verb}</b> },
    {
      key: 'text',
      head: trans.__('change'),
      wrap: true,
      cell: ({ change }) => change.text || format.DASH
    },
    {
      key: 'traffic',
      head: trans.__('traffic after it'),
      wrap: true,
      cell: ({ change }) => words(change.traffic)
    },
    {
      key: 'reason',
      head: trans.__('reason'),
      wrap: true,
      cell: ({ change }) => change.reason || format.DASH
    },
    {
      key: 'undo',
      head: '',
      end: true,
      sticky: true,
      width: 220,
      cell: ({ change, undo }) =>
        undo?.weights ? (
          <>
            <span className={cx('quiet', 'deployments-reaches')}>
              {trans.__('undo reaches %1', reached(undo.weights))}
            </span>{' '}
            <Button
              icon="undo"
              label={undo.later ? trans.__('Undo This…') : trans.__('Undo This')}
              caption={trans.__('Back to %1', words(undo.weights))}
              onClick={() => void undone(workbench, deployment, change, undo)}
            />
          </>
        ) : (
          <Undone why={undo?.why} />
        )
    }
  ];
  return (
    <Table
      label={trans.__('History of %1', deployment.name)}
      columns={columns}
      rows={rows}
      row={({ change }) => ({ id: String(change.id) })}
    />
  );
}

/** Why there is no undo: a word, and the reason when pointed at. */
function Undone({ why }: Pick<IUndoing, 'why'>): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (why !== 'gone' && why !== 'undone') {
    return null;
  }
  const title =
    why === 'gone'
      ? trans.__('A version that had traffic before it is not ready any more.')
      : trans.__('The traffic is as it was before this change.');
  return (
    <span className={cx('quiet')} title={title}>
      {why === 'gone' ? trans.__('not ready') : trans.__('undone')}
    </span>
  );
}

/**
 * Go back to the traffic before a change. Later changes go with it: then the dialog says how many.
 */
async function undone(
  { commands, trans }: IWorkbench,
  deployment: IDeployment,
  change: IChange,
  { weights = {}, later }: IUndoing
): Promise<void> {
  const sure =
    !later ||
    (await confirm({
      title: trans.__('Undo this change of %1?', deployment.name),
      body: trans._n(
        'The traffic becomes %2, as before it. %1 later change of traffic is taken back with it.',
        'The traffic becomes %2, as before it. %1 later changes of traffic are taken back with it.',
        later,
        words(weights)
      ),
      action: trans.__('Undo'),
      trans
    }));
  if (sure) {
    await commands.execute('mlinfra:deployments-change-traffic', {
      ref: deployment.ref,
      weights: { ...weights },
      reason: trans.__('undo: %1', change.text || change.verb)
    });
  }
}
