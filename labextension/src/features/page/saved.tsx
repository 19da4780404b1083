import React from 'react';

import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { CodeDrawer } from '../../components/drawer';
import { Facts, Heading, InsertButton, PageHeader } from '../../components/header';
import { RefLink } from '../../components/reflink';
import { type IColumnSpec, Table } from '../../components/table';
import * as format from '../../format';
import { useCode } from '../../hooks/code';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { formatRef } from '../../refs';
import type { IPageProps } from '../../tokens';
import { tagged } from '../tags';

/** `feature:weather:temp` of `weather:temp`; a version's `@v2` stays outside. */
const refOf = (feature: string): string =>
  formatRef('feature', [
    feature.slice(0, feature.indexOf(':')).replace(/@v\d+$/, ''),
    feature.slice(feature.indexOf(':') + 1)
  ]);

/** The page of a training set that Feast saved: where it is, and what is in it. */
export default function SavedPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { code } = useCode([reference]);
  const query = useQuery(reference, signal => client.features.savedSet(name, signal), {
    topics: ['view']
  });
  const columns: readonly IColumnSpec<string>[] = [
    {
      key: 'feature',
      head: trans.__('feature'),
      cell: feature => <RefLink reference={refOf(feature)}>{feature}</RefLink>,
      sort: feature => feature
    }
  ];
  return (
    <>
      <PageHeader icon="features" title={name} reference={reference}>
        <InsertButton code={code?.python} />
      </PageHeader>
      <Result query={query}>
        {({ features, keys, stored, service, first, last, created_at, tags, description }) => (
          <>
            <Facts>
              <>
                {trans.__('stored in')} <b>{stored}</b>
              </>
              <>
                {trans.__('key')} <b>{keys.join(', ')}</b>
              </>
              {first && last && (
                <>
                  {trans.__('rows of')}{' '}
                  <b>
                    {format.day(first)} – {format.day(last)}
                  </b>
                </>
              )}
              {service && <RefLink reference={formatRef('service', service)}>{service}</RefLink>}
              {created_at && (
                <>
                  {trans.__('saved')} <b>{format.time(created_at)}</b>
                </>
              )}
              {tagged(tags)}
              {description && <span title={description}>{description}</span>}
            </Facts>
            <div className={cx('scroll')}>
              <Heading title={trans.__('Features')} />
              <Table
                label={trans.__('Features of %1', name)}
                columns={columns}
                rows={features}
                row={feature => ({ id: feature, ref: refOf(feature) })}
              />
            </div>
            <CodeDrawer code={code ?? {}} />
          </>
        )}
      </Result>
    </>
  );
}
