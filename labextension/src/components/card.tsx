import React, { useEffect, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Door } from '../code/cell';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import type { IQuery } from '../hooks/query';
import { Button } from './button';
import { setCredentials } from './credentials';
import { cx } from './cx';
import { explainError } from './explain';
import type { ShapeName } from './glyphs';
import { Shape } from './icon';
import { Progress } from './progress';
import type { Tone } from './state';

export interface IAction {
  label: string;
  disabled?: boolean;
  /** What it does; while it is disabled, what it waits for. */
  caption?: string;
  onClick: () => void;
}

interface ICardProps {
  kind: 'empty' | 'error' | 'waiting' | 'stale';
  title?: string;
  shape?: ShapeName;
  tone?: Tone;
  children?: React.ReactNode;
  reason?: string;
}

/** The frame of the four cards; nothing else in the workbench has a frame. */
function Card({
  kind,
  title,
  shape,
  tone = 'idle',
  reason,
  children
}: ICardProps): React.ReactElement {
  return (
    <section
      className={cx('card', `is-${kind}`)}
      role={kind === 'error' ? 'alert' : 'status'}
      data-reason={reason}
      data-card={kind}
    >
      {title && (
        <div className={cx('card-title')}>
          {shape && (
            <span className={cx(`tone-${tone}`)}>
              <Shape name={shape} />
            </span>
          )}
          {title}
        </div>
      )}
      {children}
    </section>
  );
}

/** Longer code would be cut off in the card: its button inserts it, and there it is read. */
const SHOWN_LINES = 8;

interface IEmptyCardProps {
  /** What the thing is. */
  sentence: string;
  action?: IAction;
  /** Shown as it is to be typed, where it has few lines. */
  code?: string;
  /** The button's word where it inserts the code that is shown. */
  insert?: string;
  door?: Door;
}

/** One sentence on what the thing is, one button, the code to begin with. */
export function EmptyCard({
  sentence,
  action,
  code = '',
  insert,
  door
}: IEmptyCardProps): React.ReactElement {
  const workbench = useWorkbench();
  const verb: IAction | undefined =
    insert && code
      ? { label: insert, onClick: () => void workbench.code.insertBelow(code, door) }
      : action;
  return (
    <Card kind="empty">
      <p>{sentence}</p>
      {verb && (
        <div className={cx('actions')}>
          <Button kind="primary" {...verb} />
        </div>
      )}
      {code && code.split('\n').length <= SHOWN_LINES && <code>{code}</code>}
    </Card>
  );
}

/**
 * A sentence with its code drawn as code; a drawing of several lines, with a caret under a letter,
 * stays as it is.
 */
export const prose = (text: string): React.ReactNode =>
  text.includes('\n')
    ? text
    : text
        .split(/`([^`]+)`/)
        .map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part));

interface IErrorCardProps {
  error: ApiError;
  retry?: () => void;
  actions?: readonly IAction[];
  /** Buttons before the others. */
  children?: React.ReactNode;
}

const FAILED = { kind: 'error', shape: 'failed', tone: 'bad' } as const;
/** Nothing is known to have failed. */
const LOST = { kind: 'stale', shape: 'clock' } as const;

/** What happened, why, and the fix. */
export function ErrorCard({
  error,
  retry,
  actions = [],
  children
}: IErrorCardProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans, code } = workbench;
  const { what, why, fix } = explainError(error, trans);
  const details = [
    `what: ${what}`,
    why && `why: ${why}`,
    fix && `fix: ${fix}`,
    `code: ${error.code}`
  ]
    .filter(Boolean)
    .join('\n');
  return (
    <Card title={what} {...(error.lost ? LOST : FAILED)}>
      {(why || fix) && (
        <dl>
          {why && <dt>{trans.__('why')}</dt>}
          {why && <dd className={cx(why.includes('\n') && 'is-drawn')}>{prose(why)}</dd>}
          {fix && <dt>{trans.__('fix')}</dt>}
          {fix && <dd className={cx(fix.includes('\n') && 'is-drawn')}>{prose(fix)}</dd>}
        </dl>
      )}
      <div className={cx('actions')}>
        {children}
        {actions.map((action, index) => (
          <Button key={action.label} kind={index === 0 ? 'primary' : 'default'} {...action} />
        ))}
        {error.code === 'credentials' && (
          <Button
            kind="primary"
            label={trans.__('Set Credentials…')}
            onClick={() => void setCredentials(workbench)}
          />
        )}
        {retry && <Button label={trans.__('Try Again')} onClick={retry} />}
        <Button label={trans.__('Copy Details')} onClick={() => code.copy(details)} />
      </div>
    </Card>
  );
}

interface IWaitingCardProps {
  title: string;
  reason: string;
  /** When it may end. */
  note?: React.ReactNode;
  actions?: readonly IAction[];
  /** Buttons before the others. */
  children?: React.ReactNode;
}

/** What it waits for, who holds it, when it may end. */
export function WaitingCard({
  title,
  reason,
  note,
  actions = [],
  children
}: IWaitingCardProps): React.ReactElement {
  return (
    <Card kind="waiting" title={title} shape="waiting" tone="wait" reason={reason}>
      <p>{prose(reason)}</p>
      {note && <p>{note}</p>}
      <div className={cx('actions')}>
        {children}
        {actions.map(action => (
          <Button key={action.label} {...action} />
        ))}
      </div>
    </Card>
  );
}

/** The last known state, after contact was lost. */
export function StaleCard({ at, retry }: { at: number; retry: () => void }): React.ReactElement {
  const { trans } = useWorkbench();
  const moment = new Date(at).toISOString();
  const ago = format.span(format.secondsSince(moment));
  const clock = format.time(moment);
  return (
    <Card kind="stale" title={trans.__('Last seen %1 ago', ago)} shape="clock">
      <p>
        {trans.__(
          'As of %1; what is shown may have changed since. The server is asked again automatically.',
          clock
        )}
      </p>
      <div className={cx('actions')}>
        <Button label={trans.__('Try Now')} onClick={retry} />
      </div>
    </Card>
  );
}

/** A wait longer than this, in milliseconds, shows a bar and can be cancelled. */
const LONG_WAIT = 1_000;

/** Whether something has been on the screen for `wait` milliseconds. */
function useLong(wait: number): boolean {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), wait);
    return () => clearTimeout(timer);
  }, [wait]);
  return long;
}

/** A wait of more than a second: a bar, and a way out of it. */
export function LongWait({
  label,
  onCancel
}: {
  label: string;
  onCancel: () => void;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  return useLong(LONG_WAIT) ? (
    <div className={cx('long-wait')}>
      <Progress fraction={null} label={label} />
      <Button label={trans.__('Cancel')} onClick={onCancel} />
    </div>
  ) : null;
}

interface ILoadingProps {
  rows?: number;
  onCancel?: () => void;
}

/** Rows that shimmer in place; nothing in the first 100 ms, and after a second a way to give up. */
export function Loading({ rows = 4, onCancel }: ILoadingProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <div className={cx('loading')} role="status" aria-label={trans.__('Loading')}>
        {Array.from({ length: rows }, (_, index) => (
          <span key={index} className={cx('loading-row')}>
            <span className={cx('shimmer', 'is-dot')} />
            <span className={cx('shimmer')} style={{ width: `${60 - ((index * 17) % 30)}%` }} />
            <span className={cx('space')} />
            <span className={cx('shimmer', 'is-end')} />
          </span>
        ))}
      </div>
      {onCancel && <LongWait label={trans.__('Waiting for the server')} onCancel={onCancel} />}
    </>
  );
}

/** After a request was given up: nothing is asked until the user does. */
function CancelledCard({ retry }: { retry: () => void }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Card kind="stale" title={trans.__('Not loaded')} shape="stopped">
      <p>{trans.__('You cancelled the request before it was answered.')}</p>
      <div className={cx('actions')}>
        <Button label={trans.__('Load')} onClick={retry} />
      </div>
    </Card>
  );
}

interface IResultProps<T> {
  query: IQuery<T>;
  children: (data: T) => React.ReactNode;
  rows?: number;
}

/**
 * One of: shimmer, error card, the data, faint while they are those of the question before; a stale
 * card over data that could not be renewed.
 */
export function Result<T>({ query, children, rows }: IResultProps<T>): React.ReactElement {
  const { trans } = useWorkbench();
  const retry = (): void => void query.refresh();
  if (query.data === undefined) {
    if (query.error) {
      return <ErrorCard error={query.error} retry={retry} />;
    }
    return query.cancelled ? (
      <CancelledCard retry={retry} />
    ) : (
      <Loading rows={rows} onCancel={query.cancel} />
    );
  }
  return (
    <>
      {query.error &&
        (query.error.lost ? (
          <StaleCard at={query.at} retry={retry} />
        ) : (
          <ErrorCard error={query.error} retry={retry} />
        ))}
      {query.borrowed && (
        <LongWait label={trans.__('Waiting for the server')} onCancel={query.cancel} />
      )}
      <div className={cx('result')} aria-busy={query.borrowed}>
        {children(query.data)}
      </div>
    </>
  );
}
