import React from 'react';

import type { IFeature, IViewDetail } from '../api/types';
import { ActionButton } from '../components/action';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useGoal } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { onlineWords } from './fresh';
import { Online } from './online';

/** The page of a feature view. */
export default function ViewPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(reference, signal => client.features.show(name, signal), {
    topics: ['view'],
    about: reference
  });
  return (
    <>
      <PageHeader icon="features" title={name} reference={reference}>
        <InsertButton code={query.data?.code.python} />
        {query.data?.view.online && (
          <ActionButton
            command="mlinfra:features-materialize"
            target={query.data.view}
            label={trans.__('Materialize')}
            busyLabel={trans.__('Materializing…')}
          />
        )}
        <Button
          bare
          kind="quiet"
          icon="refresh"
          label={trans.__('Refresh')}
          onClick={() => void query.refresh()}
        />
      </PageHeader>
      <Result query={query}>{detail => <View detail={detail} />}</Result>
    </>
  );
}

function View({ detail }: { detail: IViewDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { view, features } = detail;
  const goal = useGoal('feature');
  return (
    <>
      <ViewFacts detail={detail} />
      {view.problem && <p className={cx('more', 'tone-wait')}>{view.problem}</p>}
      <div className={cx('scroll', 'split')}>
        <Heading title={trans.__('Features')} note={view.description} />
        <Table
          label={trans.__('Features of %1', view.name)}
          columns={columnsOf(workbench)}
          rows={features}
          row={feature => {
            const ref = formatRef('feature', [feature.view, feature.name]);
            return { id: ref, ref };
          }}
          onOpen={() => undefined}
          goal={goal}
          current={goal?.id}
        />
        <Online detail={detail} />
      </div>
      <CodeDrawer code={detail.code} />
    </>
  );
}

function ViewFacts({ detail }: { detail: IViewDetail }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const { view, rows, join_keys, timestamp_column } = detail;
  return (
    <Facts>
      <>
        {trans._n('entity', 'entities', view.entities.length)} <b>{view.entities.join(', ')}</b>
      </>
      <>
        {trans.__('key')} <b>{join_keys.join(', ')}</b>
      </>
      <>
        {trans.__('ttl')}{' '}
        <b>{view.ttl_seconds === null ? trans.__('none') : format.span(view.ttl_seconds)}</b>
      </>
      <>
        {trans.__('offline')} <Num value={rows} strong unit={trans.__('rows')} />
      </>
      <>
        {trans.__('event time')} <b>{timestamp_column}</b>
      </>
      {view.dataset && (
        <Link onClick={() => void open(formatRef('dataset', view.dataset ?? ''))}>
          {view.dataset}
        </Link>
      )}
      <State
        state={view.freshness}
        title={view.online_at ? format.time(view.online_at) : undefined}
      >
        {onlineWords(view, trans)}
      </State>
      {view.owner && (
        <>
          {trans.__('owner')} <b>{view.owner}</b>
        </>
      )}
      {Object.keys(view.tags).length > 0 &&
        Object.entries(view.tags).map(([key, value]) => <Tag key={key}>{`${key} ${value}`}</Tag>)}
    </Facts>
  );
}

function columnsOf({ trans }: IWorkbench): IColumnSpec<IFeature>[] {
  return [
    {
      key: 'name',
      head: trans.__('feature'),
      cell: ({ name }) => <span className={cx('strong-name')}>{name}</span>,
      sort: ({ name }) => name,
      width: 220
    },
    {
      key: 'type',
      head: trans.__('type'),
      cell: ({ type }) => <span className={cx('type')}>{type}</span>,
      width: 90
    },
    {
      key: 'fill',
      head: trans.__('filled'),
      width: 90,
      figure: ({ fill }) => fill ?? undefined,
      write: value => format.percent(value, 1),
      sort: ({ fill }) => fill?.value ?? null
    },
    {
      key: 'text',
      head: trans.__('description'),
      wrap: true,
      cell: ({ description }) => description || format.DASH
    },
    {
      key: 'used',
      head: trans.__('used by'),
      cell: ({ used_by }) =>
        used_by.length
          ? used_by.slice(0, 3).map(ref => (
              <React.Fragment key={ref}>
                <RefLink reference={ref} />{' '}
              </React.Fragment>
            ))
          : format.DASH
    }
  ];
}
