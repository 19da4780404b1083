import React from 'react';

import type { IPage, IService } from '../api/types';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import { useWorkbench } from '../hooks/context';
import { branch, useTree } from '../hooks/tree';
import type { IWorkbench } from '../tokens';
import { featureRow, type IBasketProps } from './rows';

/** The feature services, with the features of each to pick from. */
export function Services(basket: IBasketProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  return (
    <ListSection
      name="features:services"
      list="services"
      title={trans.__('Services')}
      fetch={(limit, signal) => client.features.services({ limit }, signal)}
      topics={['view']}
      empty={() => (
        <p className={cx('more')}>
          {trans.__('A FeatureService in the definitions names the features of a model.')}
        </p>
      )}
      body={(page, { at }) => <Rows page={page} at={at} {...basket} />}
    />
  );
}

interface IRowsProps extends IBasketProps {
  page: IPage<IService>;
  at: number;
}

function Rows({ page, at, ...basket }: IRowsProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const tree = useTree(
    'services:open',
    page.items,
    async name => (await client.features.service(name)).features,
    { at, topics: ['view'], key: ref => `service-features:${ref}` }
  );
  const rows = page.items.flatMap(service =>
    branch(
      serviceRow(service, workbench),
      tree,
      service.name,
      trans.__('Reading the features…'),
      features =>
        features.map(feature => featureRow(feature, basket, trans.__('Select'), `${service.ref} `))
    )
  );
  return <List label={trans.__('Feature services')} rows={rows} onToggle={tree.toggle} />;
}

function serviceRow(service: IService, { trans }: IWorkbench): IListRow {
  const count = service.features.length;
  return {
    id: service.ref,
    ref: service.ref,
    icon: 'features',
    name: service.name,
    title: service.description || service.name,
    meta: <Num value={count} unit={trans._n('feature', 'features', count)} />,
    lines: service.problem
  };
}
