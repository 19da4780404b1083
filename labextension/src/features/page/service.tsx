import React from 'react';

import type { IServiceDetail } from '../../api/types';
import { Button } from '../../components/button';
import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { CodeDrawer } from '../../components/drawer';
import { Facts, InsertButton, PageHeader } from '../../components/header';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import type { IPageProps } from '../../tokens';
import { FeatureTable } from '../features';
import { tagged } from '../tags';

/** The page of a feature service. */
export default function ServicePage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.features.service(name, signal), {
    topics: ['view']
  });
  return (
    <>
      <PageHeader icon="features" title={name} reference={reference}>
        <InsertButton code={query.data?.code.python} />
        <Button
          bare
          kind="quiet"
          icon="refresh"
          label={trans.__('Refresh')}
          onClick={() => void query.refresh()}
        />
      </PageHeader>
      <Result query={query}>
        {detail => (
          <>
            <ServiceFacts detail={detail} />
            {detail.service.problem && (
              <p className={cx('more', 'tone-wait')}>{detail.service.problem}</p>
            )}
            <FeatureTable
              label={trans.__('Features of %1', name)}
              features={detail.features}
              withView
            />
            <CodeDrawer code={detail.code} />
          </>
        )}
      </Result>
    </>
  );
}

function ServiceFacts({ detail }: { detail: IServiceDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { features, owner, tags, description, precomputed, logs } = detail.service;
  return (
    <Facts>
      <>
        <b>{features.length}</b> {trans._n('feature', 'features', features.length)}
      </>
      {precomputed && <>{trans.__('answers kept ready by Feast')}</>}
      {logs && (
        <>
          {trans.__('logged to')} <b>{logs}</b>
        </>
      )}
      {owner && (
        <>
          {trans.__('owner')} <b>{owner}</b>
        </>
      )}
      {tagged(tags)}
      {description && <span title={description}>{description}</span>}
    </Facts>
  );
}
