import '../../style/jobs.css';

import React, { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IJobsClient } from '../api/jobs';
import type { IJob, ILogHit } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard, Result, StaleCard } from '../components/card';
import { cx } from '../components/cx';
import { Lines, Printed } from '../components/printed';
import { BLANK, type IScreen, plainly, typed } from '../components/terminal';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useVisible } from '../hooks/visible';
import { isActive } from './state';

const PIECE = 256_000;
/** Characters kept; older pieces are dropped from the page, never from the log. */
const KEPT = 1_000_000;
/** Pieces that are shorter become one once another follows. */
const SHORT = 16_000;
/** More lines than a piece holds: the limit is the size of the piece. */
const LINES = 100_000;
/** Milliseconds between two looks; twice as long after each one that failed. */
const PAUSES = [1_000, 60_000] as const;

/**
 * A part of a log; where it lies is what the server says, for bytes that are no text cannot be
 * counted here.
 */
export interface ILogPiece {
  text: string;
  offset: number;
  next: number;
}

export interface ILog {
  pieces: readonly ILogPiece[];
  next: number;
  size: number;
  ended: boolean;
  /** Why there is no log any more. */
  note?: string;
  /** Characters kept beyond the usual, since someone asked for earlier ones. */
  extra?: number;
}

const NOTHING: ILog = { pieces: [], next: 0, size: 0, ended: false };

const lengthOf = (pieces: readonly ILogPiece[]): number =>
  pieces.reduce((sum, { text }) => sum + text.length, 0);

/**
 * The log with another piece of it at the end. The newest stands apart, so that only what is new is
 * read out.
 */
export function append(log: ILog, piece: ILogPiece & Pick<ILog, 'size' | 'ended' | 'note'>): ILog {
  const { text, offset, next, size, ended, note } = piece;
  const { extra } = log;
  const pieces = [...log.pieces];
  const [first, second] = pieces.slice(-2);
  if (text) {
    if (first && second && first.text.length + second.text.length < SHORT) {
      pieces.splice(-2, 2, {
        text: first.text + second.text,
        offset: first.offset,
        next: second.next
      });
    }
    pieces.push({ text, offset, next });
  }
  let spare = lengthOf(pieces) - KEPT - (extra ?? 0);
  while (pieces[0] && (spare -= pieces[0].text.length) >= 0) {
    pieces.shift();
  }
  return { pieces, next, size, ended, note, extra };
}

/** The log with the piece before it. */
export function prepend(log: ILog, { text, offset, next }: ILogPiece): ILog {
  return {
    ...log,
    pieces: [{ text, offset, next }, ...log.pieces],
    extra: (log.extra ?? 0) + text.length
  };
}

/**
 * Read a log from where `log` ends to its present end, each piece as it comes; begins at most one
 * piece before the end of a long log.
 *
 * A server keeps the beginning of a letter back until all of it is written: then nothing more
 * comes, though the log is longer.
 */
async function* readOn(
  client: IJobsClient,
  id: string,
  log: ILog,
  signal: AbortSignal
): AsyncGenerator<ILog> {
  let latest = log;
  if (latest.next === 0) {
    const head = await client.log(id, { offset: 0, limit: PIECE }, signal);
    const far = head.size > 4 * PIECE;
    latest = append(
      NOTHING,
      far ? await client.log(id, { tail: LINES, limit: PIECE }, signal) : head
    );
    yield latest;
  }
  let before: number;
  do {
    before = latest.next;
    latest = append(latest, await client.log(id, { offset: before, limit: PIECE }, signal));
    yield latest;
  } while (before < latest.next && latest.next < latest.size);
}

interface ILogState {
  log: ILog;
  error: ApiError | null;
  /** When it was last seen, in milliseconds. */
  at: number;
  /** Read the piece before the first one here; `ready` is called right before it is shown. */
  earlier: (ready: () => void) => Promise<void>;
  retry: () => void;
}

/** Follow the log by byte offset while someone looks. */
function useLog(job: IJob): ILogState {
  const { client } = useWorkbench();
  const visible = useVisible();
  const [log, setLog] = useState<ILog>(NOTHING);
  const [error, setError] = useState<ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  const latest = useRef(NOTHING);
  const [at, setAt] = useState(0);
  const active = isActive(job);

  useEffect(() => {
    if (!visible) {
      return;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pause: number = PAUSES[0];
    const look = async (): Promise<void> => {
      try {
        for await (const next of readOn(client.jobs, job.id, latest.current, abort.signal)) {
          if (abort.signal.aborted) {
            return;
          }
          latest.current = next;
          setAt(Date.now());
          setLog(next);
          setError(null);
        }
        pause = PAUSES[0];
      } catch (failure) {
        if (abort.signal.aborted) {
          return;
        }
        const found = asApiError(failure);
        setError(found);
        if (found.status >= 400 && found.status < 500) {
          return; // it would be refused again
        }
        pause = Math.min(2 * pause, PAUSES[1]);
      }
      if (active || !latest.current.ended) {
        timer = setTimeout(() => void look(), pause);
      }
    };
    void look();
    const again = (): void => setTurn(now => now + 1);
    window.addEventListener('online', again);
    return () => {
      window.removeEventListener('online', again);
      abort.abort();
      clearTimeout(timer);
    };
  }, [client, job.id, active, visible, turn]);

  const earlier = async (ready: () => void): Promise<void> => {
    const until = latest.current.pieces[0]?.offset;
    const piece = await client.jobs.log(job.id, { tail: LINES, limit: PIECE, until });
    if (latest.current.pieces[0]?.offset === until) {
      latest.current = prepend(latest.current, piece);
      ready();
      setLog(latest.current);
    }
  };
  return { log, error, at, earlier, retry: () => setTurn(turn + 1) };
}

interface IJobLogProps {
  job: IJob;
  /** A line that was searched for: what stands around it is shown instead of the end. */
  hit?: ILogHit | null;
  words?: string;
  follow: boolean;
  onFollow: (follow: boolean) => void;
}

/** The log of a job; scrolling up stops following, scrolling to the end begins it again. */
export function JobLog({
  job,
  hit,
  words = '',
  follow,
  onFollow
}: IJobLogProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { log, error, at, earlier, retry } = useLog(job);
  const { run, busy } = useAction();
  const host = useRef<HTMLDivElement>(null);
  const start = log.pieces[0]?.offset ?? 0;
  /** How far from the end the view stays when earlier lines come. */
  const kept = useRef<number | null>(null);
  const why = log.note === undefined || log.note === '' ? trans.__('It wrote nothing.') : log.note;

  useEffect(() => {
    if (follow && !hit && host.current) {
      host.current.scrollTop = host.current.scrollHeight;
    }
  }, [log, follow, hit]);
  useLayoutEffect(() => {
    if (kept.current !== null && host.current) {
      host.current.scrollTop = host.current.scrollHeight - kept.current;
      kept.current = null;
    }
  }, [log]);

  const onEarlier = (): void => {
    onFollow(false);
    void run(() =>
      earlier(() => {
        const node = host.current;
        // from the end it goes to where the earlier ones begin
        kept.current = node && node.scrollHeight - (follow ? 0 : node.scrollTop);
      })
    );
  };
  const onScroll = (): void => {
    const node = host.current;
    const atEnd = node ? node.scrollHeight - node.scrollTop - node.clientHeight < 24 : true;
    if (atEnd !== follow && !hit) {
      onFollow(atEnd);
    }
  };

  return (
    <div className={cx('jobs-log-main')}>
      {error &&
        (error.lost && at ? (
          <StaleCard at={at} retry={retry} />
        ) : (
          <ErrorCard error={error} retry={retry} />
        ))}
      {hit ? (
        <p className={cx('more')}>
          {trans.__('line %1 and what is around it', format.number(hit.line))}
        </p>
      ) : (
        start > 0 && (
          <p className={cx('more')}>
            {trans.__('The first %1 are not shown; the whole log is on disk.', format.bytes(start))}{' '}
            <Button label={trans.__('Earlier…')} disabled={busy} onClick={onEarlier} />
          </p>
        )
      )}
      <div
        ref={host}
        className={cx('jobs-log')}
        role="log"
        aria-relevant="additions"
        aria-label={trans.__('Log of %1', job.name)}
        tabIndex={0}
        onScroll={onScroll}
      >
        {hit ? (
          <Around job={job} hit={hit} words={words} />
        ) : log.pieces.length ? (
          <LogText pieces={log.pieces} />
        ) : (
          <span className={cx('quiet')}>{log.ended ? why : trans.__('Nothing written yet.')}</span>
        )}
      </div>
    </div>
  );
}

/** What a piece was typed onto, and what came of it. */
const READ = new WeakMap<ILogPiece, readonly [before: IScreen, after: IScreen]>();

function screenAfter(before: IScreen, piece: ILogPiece): IScreen {
  const read = READ.get(piece);
  const after = read?.[0] === before ? read[1] : typed(before, piece.text);
  READ.set(piece, [before, after]);
  return after;
}

/**
 * The pieces as a terminal shows them: a line that is rewritten, in this piece or the next, is one
 * line. What is final is drawn once.
 */
function LogText({ pieces }: { pieces: readonly ILogPiece[] }): React.ReactElement {
  const screens = pieces.reduce<readonly IScreen[]>(
    (screens, piece) => [...screens, screenAfter(screens.at(-1) ?? BLANK, piece)],
    []
  );
  const { first, open } = screens.at(-1) ?? BLANK;
  return (
    <>
      <div aria-live="off">
        {screens.map(
          ({ done }, index) => done && <Lines key={pieces[index]?.offset} text={done} />
        )}
      </div>
      {open.map((line, index) => (
        <Lines key={first + index} text={index < open.length - 1 ? `${line}\n` : line} />
      ))}
    </>
  );
}

/**
 * What a terminal has shown of a line while it held these words: a progress bar rewrites its line.
 */
function lineWith(line: string, words: string): string {
  const states = line.split('\r').map(plainly);
  return states.find(text => text.toLowerCase().includes(words.toLowerCase())) ?? plainly(line);
}

/** Bytes of the log around a line. */
const AROUND = 24_000;

/** A line of the log, with what stands before and behind it. */
function Around({
  job,
  hit,
  words
}: {
  job: IJob;
  hit: ILogHit;
  words: string;
}): React.ReactElement {
  const { client } = useWorkbench();
  const { offset, line: number } = hit;
  const query = useQuery(
    `around:${job.ref}:${offset}`,
    async signal => {
      const start = Math.max(0, offset - AROUND);
      const [before, after] = await Promise.all([
        offset > 0 && client.jobs.log(job.id, { offset: start, limit: offset - start }, signal),
        client.jobs.log(job.id, { offset, limit: AROUND }, signal)
      ]);
      return {
        before: before ? before.text.slice(start && before.text.indexOf('\n') + 1) : '',
        after: after.text,
        number
      };
    },
    { every: () => null, list: job.ref }
  );
  const shown = query.data;
  const marked = useRef<HTMLPreElement>(null);
  useEffect(() => {
    marked.current?.scrollIntoView({ block: 'center' });
  }, [shown]);
  if (!shown) {
    return <Result query={query}>{() => null}</Result>;
  }
  const end = shown.after.indexOf('\n');
  const written = end < 0 ? shown.after : shown.after.slice(0, end);
  const line = lineWith(written, words);
  const at = line.toLowerCase().indexOf(words.toLowerCase());
  return (
    <>
      <Printed text={shown.before} />
      <pre
        ref={marked}
        className={cx('jobs-log-hit')}
        aria-current="location"
        data-line={shown.number}
      >
        {at < 0 ? (
          line
        ) : (
          <>
            {line.slice(0, at)}
            <mark>{line.slice(at, at + words.length)}</mark>
            {line.slice(at + words.length)}
          </>
        )}
        {end < 0 ? '' : '\n'}
      </pre>
      <Printed text={shown.after.slice(written.length + 1)} />
    </>
  );
}
