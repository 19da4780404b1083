import React from 'react';

import type { IViewDetail } from '../../api/types';
import { Link } from '../../components/button';
import { Facts } from '../../components/header';
import { Num } from '../../components/number';
import { State } from '../../components/state';
import { Tag } from '../../components/tag';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { formatRef } from '../../refs';
import { onlineWords } from '../fresh';

/** What is known of a view, in a line. */
export function ViewFacts({ detail }: { detail: IViewDetail }): React.ReactElement {
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
      {view.description && <span title={view.description}>{view.description}</span>}
    </Facts>
  );
}
