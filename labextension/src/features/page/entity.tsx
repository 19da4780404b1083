import React from 'react';

import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { CodeDrawer } from '../../components/drawer';
import { Facts, Heading, InsertButton, PageHeader } from '../../components/header';
import { RefLink } from '../../components/reflink';
import { type IColumnSpec, Table } from '../../components/table';
import { useCode } from '../../hooks/code';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { formatRef } from '../../refs';
import type { IPageProps } from '../../tokens';
import { tagged } from '../tags';

/** The page of an entity: its key, and the views that have rows of it. */
export default function EntityPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { code } = useCode([reference]);
  const query = useQuery(reference, signal => client.features.entity(name, signal), {
    topics: ['view']
  });
  const columns: readonly IColumnSpec<string>[] = [
    {
      key: 'view',
      head: trans.__('view'),
      cell: view => <RefLink reference={formatRef('view', view)}>{view}</RefLink>,
      sort: view => view
    }
  ];
  return (
    <>
      <PageHeader icon="features" title={name} reference={reference}>
        <InsertButton code={code?.python} />
      </PageHeader>
      <Result query={query}>
        {({ key, type, owner, tags, description, views }) => (
          <>
            <Facts>
              <>
                {trans.__('key')} <b>{key}</b>
              </>
              <>
                {trans.__('type')} <b>{type}</b>
              </>
              {owner && (
                <>
                  {trans.__('owner')} <b>{owner}</b>
                </>
              )}
              {tagged(tags)}
              {description && <span title={description}>{description}</span>}
            </Facts>
            <div className={cx('scroll')}>
              <Heading title={trans.__('Feature views')} note={trans.__('with rows of this key')} />
              <Table
                label={trans.__('Views of %1', name)}
                columns={columns}
                rows={views}
                row={view => ({ id: view, ref: formatRef('view', view) })}
              />
            </div>
            <CodeDrawer code={code ?? {}} />
          </>
        )}
      </Result>
    </>
  );
}
