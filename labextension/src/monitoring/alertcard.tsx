import React, { useContext, useEffect, useRef, useState } from 'react';

import type { IAlert } from '../api/types';
import { pythonOf } from '../code/snippets';
import { ActionButton } from '../components/action';
import { Button, Link } from '../components/button';
import { cx } from '../components/cx';
import { usePageVerb } from '../components/frame';
import { Num } from '../components/number';
import { lookOf, State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { PageContext, useGoal } from '../hooks/page';
import type { IWorkbench } from '../tokens';
import { Measured, measureOf } from './measured';

/** Names of other alerts at first, and on demand. */
const NAMES = 12;
const MORE_NAMES = 50;

/** An alert in words: `drift of temp`. */
export const titleOf = ({ name, subject }: IAlert, { trans }: IWorkbench): string =>
  subject ? trans.__('%1 of %2', name, subject) : name;

/** Insert what loads the window of an alert. */
export function useInsert(alert: { ref: string }): () => void {
  const workbench = useWorkbench();
  const { run } = useAction();
  return () => void run(() => workbench.code.insertBelow(pythonOf(workbench, [alert.ref])));
}

/**
 * An alert on the page of its monitor, with what can be done about it. others: of the same rule in
 * the same state.
 */
export function AlertCard({
  alert,
  others
}: {
  alert: IAlert;
  others: readonly IAlert[];
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans, open } = workbench;
  const goal = useGoal('alert');
  const host = useRef<HTMLElement>(null);
  const { arrive } = useContext(PageContext);
  const asked = goal?.id === alert.ref && alert.count === 1 ? goal.turn : null;
  useEffect(() => {
    const arrival = asked === null ? null : arrive(asked);
    if (arrival) {
      host.current?.scrollIntoView({ block: 'nearest' });
    }
    if (arrival === 'focus') {
      host.current?.focus();
    }
  }, [asked, arrive]);
  const insert = useInsert(alert);
  usePageVerb('mlinfra:alerts-insert', insert);
  const what = titleOf(alert, workbench);
  return (
    <section
      ref={host}
      tabIndex={-1}
      className={cx('card', alert.state === 'firing' ? 'is-error' : 'is-waiting')}
      aria-label={what}
      data-mlinfra-ref={alert.ref}
      data-reason={alert.text}
    >
      <div className={cx('card-title')}>
        <State state={alert.state} bare />{' '}
        {alert.state === 'no_data'
          ? trans.__('%1 has no data', what)
          : trans.__('%1 is %2', what, lookOf(alert.state, trans).word)}
        <span className={cx('quiet')}>
          {trans.__(
            'since %1, %2',
            format.time(alert.since),
            format.span(format.secondsSince(alert.since))
          )}
        </span>
        <span className={cx('space')} />
        <Verbs alert={alert} />
        {alert.count === 1 && (
          <Button icon="code" label={trans.__('Insert Code')} onClick={insert} />
        )}
        <Button label={trans.__('Open')} onClick={() => void open(alert.ref)} />
      </div>
      <dl>
        <dt>{trans.__('why')}</dt>
        <dd>
          <Why alert={alert} />
        </dd>
        <LikelyCause alert={alert} />
        {others.length > 0 && <Others alerts={others} />}
        <Watched alert={alert} />
        {alert.owner && (
          <>
            <dt>{trans.__('owner')}</dt>
            <dd>{alert.owner}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** The names of other alerts, each a link to its page. */
function Others({ alerts }: { alerts: readonly IAlert[] }): React.ReactElement {
  const { trans, open } = useWorkbench();
  const [most, setMost] = useState(NAMES);
  return (
    <>
      <dt>{trans.__('also')}</dt>
      <dd>
        {alerts.slice(0, most).map((alert, place) => (
          <React.Fragment key={alert.ref}>
            {place > 0 && ' · '}
            <Link title={alert.text} onClick={() => void open(alert.ref)}>
              {alert.subject || alert.name}
            </Link>
            {alert.value && (
              <>
                {' '}
                <Num value={alert.value} format={value => format.number(value, 3)} />
              </>
            )}
          </React.Fragment>
        ))}
        {alerts.length > most && (
          <>
            {' · '}
            <Link onClick={() => setMost(most + MORE_NAMES)}>
              {trans.__('%1 more', alerts.length - most)}
            </Link>
          </>
        )}
      </dd>
    </>
  );
}

/** What is done first about an alert; about several only what is done for all of them. */
export function Verbs({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {alert.count === 1 && (
        <>
          <ActionButton
            command="mlinfra:alerts-notebook"
            target={alert}
            label={trans.__('Open Notebook')}
            busyLabel={trans.__('Writing…')}
          />
          <ActionButton
            command="mlinfra:alerts-retrain"
            target={alert}
            label={trans.__('Retrain…')}
            busyLabel={trans.__('Starting…')}
          />
        </>
      )}
      <ActionButton command="mlinfra:alerts-ack" target={alert} label={trans.__('Acknowledge…')} />
      <ActionButton command="mlinfra:alerts-silence" target={alert} label={trans.__('Silence…')} />
    </>
  );
}

/** What was measured, and the limit. */
export function Why({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  if (alert.count > 1 || alert.value?.value == null || measureOf(alert) !== 'PSI') {
    return <>{alert.text}</>;
  }
  return (
    <>
      <Measured alert={alert} />
      {alert.value.n !== null && (
        <>
          {' · '}
          <Num value={alert.value.n} unit={trans.__('rows in the window')} />
        </>
      )}
    </>
  );
}

/** What has probably changed, where that is known. */
export function LikelyCause({ alert: { cause } }: { alert: IAlert }): React.ReactElement | null {
  const { trans } = useWorkbench();
  return cause ? (
    <>
      <dt>{trans.__('likely cause')}</dt>
      <dd>{cause}</dd>
    </>
  ) : null;
}

/** Who looks after an alert, and until when nobody is told of it. */
export function Watched({ alert }: { alert: IAlert }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {alert.acknowledged && (
        <>
          <dt>{trans.__('looked after')}</dt>
          <dd>
            {trans.__('by %1 since %2', alert.acknowledged.by, format.time(alert.acknowledged.at))}
            {alert.acknowledged.why && `: ${alert.acknowledged.why}`}
          </dd>
        </>
      )}
      {alert.silence && (
        <>
          <dt>{trans.__('silenced')}</dt>
          <dd>
            {trans.__('until %1 by %2', format.time(alert.silence.until), alert.silence.by)}
            {`: ${alert.silence.why} `}
            <ActionButton
              command="mlinfra:alerts-unsilence"
              target={alert}
              args={{ number: alert.silence.number }}
              label={trans.__('End Silence')}
            />
          </dd>
        </>
      )}
      {alert.held_back_by && (
        <>
          <dt>{trans.__('nobody is told')}</dt>
          <dd>{alert.held_back_by}</dd>
        </>
      )}
    </>
  );
}
