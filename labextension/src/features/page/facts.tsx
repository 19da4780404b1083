import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IViewDetail } from '../../api/types';
import { Link } from '../../components/button';
import { Facts } from '../../components/header';
import { Num } from '../../components/number';
import { RefLink } from '../../components/reflink';
import { State } from '../../components/state';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { formatRef } from '../../refs';
import { useStatistics } from '../features';
import { onlineWords } from '../fresh';
import { Skew } from '../skew';
import { tagged } from '../tags';

/** What is known of a view, in a line. */
export function ViewFacts({ detail }: { detail: IViewDetail }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const { view, rows, join_keys, timestamp_column, versions, services, labels, uses, windows } =
    detail;
  const skew = useStatistics(view).data?.skew;
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
      {skew && <Skew report={skew} />}
      {labels && (
        <>
          {trans.__('labels by')} <b>{labels.labeler}</b>, {policyWords(labels.policy, trans)}
        </>
      )}
      {windows.slice(0, MANY_WINDOWS).map(window => (
        <React.Fragment key={window.feature}>
          <b>{window.feature}</b> {windowWords(window, trans)}
        </React.Fragment>
      ))}
      {windows.length > MANY_WINDOWS && (
        <span
          title={windows.map(item => `${item.feature}: ${windowWords(item, trans)}`).join('\n')}
        >
          {trans.__('%1 more windows', windows.length - MANY_WINDOWS)}
        </span>
      )}
      {uses.length > 0 && <Links label={trans.__('made from')} kind="view" names={uses} />}
      {services.length > 0 && (
        <Links label={trans.__('in services')} kind="service" names={services} />
      )}
      {versions.length > 1 && <Links label={trans.__('versions')} kind="view" names={versions} />}
      <span title={trans.__('Written in the definition: change it there, then apply')}>
        {trans.__('owner')} <b>{view.owner || trans.__('none')}</b>
      </span>
      {tagged(view.tags)}
      {view.description && <span title={view.description}>{view.description}</span>}
    </Facts>
  );
}

/** So many windows are named in the line; the rest is in a title. */
const MANY_WINDOWS = 3;

/** What an aggregation computes: `sum of amount over 1 h, every 5 min`. */
function windowWords(
  { column, function: name, seconds, slide }: IViewDetail['windows'][number],
  trans: TranslationBundle
): string {
  const over = seconds === null ? trans.__('the whole past') : format.span(seconds);
  const what = trans.__('%1 of %2 over %3', name.replace('_', ' '), column, over);
  return slide === null || slide === seconds
    ? what
    : trans.__('%1, every %2', what, format.span(slide));
}

interface ILinksProps {
  label: string;
  kind: string;
  /** `view@v2` for a version. */
  names: readonly string[];
}

function Links({ label, kind, names }: ILinksProps): React.ReactElement {
  return (
    <>
      {label}{' '}
      {names.map(name => {
        const [view = name, at] = name.split(/@(?=v\d+$)/);
        return (
          <React.Fragment key={name}>
            <RefLink reference={formatRef(kind, view, at)} />{' '}
          </React.Fragment>
        );
      })}
    </>
  );
}

/** How labels of several labelers become one. */
function policyWords(policy: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    last_write_wins: trans.__('the last one counts'),
    labeler_priority: trans.__('the strongest labeler counts'),
    majority_vote: trans.__('the majority counts')
  };
  return words[policy] ?? policy;
}
