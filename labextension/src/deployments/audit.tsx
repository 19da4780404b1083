import React from 'react';

import type { IAuditEntry, IDeployment } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';

/** Who changed what of a deployment, and on which machine; nobody can change it. */
export function Audit({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { name } = deployment;
  const { query, onMore } = useList(
    `audit:${name}`,
    (limit, signal) => client.deployments.audit(name, { limit }, signal),
    { topics: ['deployment'], about: deployment.ref }
  );
  return (
    <section className={cx('split')}>
      <Heading title={trans.__('Audit log')} note={trans.__('newest first')} />
      <Result query={query}>
        {page =>
          page.items.length ? (
            <>
              <Entries name={name} items={page.items} />
              <More
                page={page}
                onMore={onMore}
                rest={trans.__('mlinfra deployments audit has all')}
              />
            </>
          ) : (
            <p className={cx('more')}>{trans.__('Nothing was recorded yet.')}</p>
          )
        }
      </Result>
    </section>
  );
}

function Entries({
  name,
  items
}: {
  name: string;
  items: readonly IAuditEntry[];
}): React.ReactElement {
  const { trans } = useWorkbench();
  const time = clock(items.map(({ at }) => at));
  const columns: IColumnSpec<IAuditEntry>[] = [
    { key: 'at', head: trans.__('when'), width: 110, cell: entry => time(entry.at) },
    { key: 'user', head: trans.__('who'), width: 80, cell: entry => entry.user },
    { key: 'on', head: trans.__('on'), width: 120, cell: entry => entry.on },
    { key: 'verb', head: trans.__('verb'), width: 100, cell: entry => <b>{entry.verb}</b> },
    { key: 'text', head: trans.__('what'), wrap: true, cell: entry => entry.text || format.DASH },
    {
      key: 'reason',
      head: trans.__('reason'),
      wrap: true,
      cell: entry => entry.reason || format.DASH
    }
  ];
  return (
    <Table
      label={trans.__('Audit log of %1', name)}
      columns={columns}
      rows={items}
      row={entry => ({ id: String(entry.id) })}
    />
  );
}
