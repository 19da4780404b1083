import React, { useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import type { IJobsClient } from '../api/jobs';
import type { IJob, ILogHit } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard, Result } from '../components/card';
import { cx } from '../components/cx';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useVisible } from '../hooks/visible';
import { isActive } from './state';

const PIECE = 256_000;
/** Characters kept; older ones are dropped from the page, never from the log. */
const KEPT = 1_000_000;
const PAUSE = 1_000;

export interface ILog {
  text: string;
  /** Bytes before `text`. */
  start: number;
  next: number;
  size: number;
  ended: boolean;
  /** Why there is no log any more. */
  note?: string;
  /** Characters kept beyond the usual, since someone asked for earlier ones. */
  room?: number;
}

const NOTHING: ILog = { text: '', start: 0, next: 0, size: 0, ended: false };

/** The log with another piece of it at the end. */
export function append(
  log: ILog,
  piece: { text: string; offset: number; next: number; size: number; ended: boolean; note?: string }
): ILog {
  const text = log.text + piece.text;
  const { next, size, ended, note } = piece;
  const { room } = log;
  if (text.length <= KEPT + (room ?? 0)) {
    return { text, start: log.next === 0 ? piece.offset : log.start, next, size, ended, note, room };
  }
  const cut = cutAt(text, KEPT + (room ?? 0));
  const dropped = new TextEncoder().encode(text.slice(0, cut)).length;
  return { text: text.slice(cut), start: log.start + dropped, next, size, ended, note, room };
}

/** The log with the piece before it. */
export function prepend(log: ILog, piece: { text: string; offset: number }): ILog {
  return { ...log, text: piece.text + log.text, start: piece.offset, room: (log.room ?? 0) + piece.text.length };
}

/** Where the text that is kept begins: behind the end of a line, or of a line drawn anew (`\r`, by progress bars), if one is near. */
function cutAt(text: string, kept: number): number {
  const least = text.length - kept;
  const end = /\r\n|[\r\n]/.exec(text.slice(least, least + KEPT / 2));
  if (end) {
    return least + end.index + end[0].length;
  }
  return /[\uDC00-\uDFFF]/.test(text.charAt(least)) ? least + 1 : least; // never between the halves of a letter
}

/** The piece without the rest of a line, or of a letter, that its first byte falls into. */
export function wholeLines<P extends { text: string; offset: number; next: number }>(piece: P): P {
  const text = piece.text.slice(piece.text.indexOf('\n') + 1);
  return { ...piece, text, offset: piece.next - new TextEncoder().encode(text).length };
}

/**
 * Read a log from where `log` ends to its present end, each piece as it comes; begins at most one piece before the end of a long log.
 *
 * A server keeps the beginning of a letter back until all of it is written: then nothing more comes, though the log is longer.
 */
async function* readOn(client: IJobsClient, id: string, log: ILog, signal: AbortSignal): AsyncGenerator<ILog> {
  let known = log;
  if (known.next === 0) {
    const head = await client.log(id, { offset: 0, limit: PIECE }, signal);
    const far = head.size > 4 * PIECE;
    known = append(
      NOTHING,
      far ? wholeLines(await client.log(id, { offset: head.size - PIECE, limit: PIECE }, signal)) : head
    );
    yield known;
  }
  let before: number;
  do {
    before = known.next;
    known = append(known, await client.log(id, { offset: before, limit: PIECE }, signal));
    yield known;
  } while (before < known.next && known.next < known.size);
}

interface ILogState {
  log: ILog;
  error: ApiError | null;
  /** Read the piece before what is known. */
  earlier: () => Promise<void>;
}

/** Follow the log by byte offset while someone looks. */
function useLog(job: IJob): ILogState {
  const { client } = useWorkbench();
  const visible = useVisible();
  const [log, setLog] = useState<ILog>(NOTHING);
  const [error, setError] = useState<ApiError | null>(null);
  const known = useRef(NOTHING);
  const active = isActive(job);

  useEffect(() => {
    if (!visible) {
      return;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        for await (const next of readOn(client.jobs, job.id, known.current, abort.signal)) {
          if (abort.signal.aborted) {
            return;
          }
          known.current = next;
          setLog(next);
          setError(null);
        }
      } catch (failure) {
        if (abort.signal.aborted) {
          return;
        }
        setError(asApiError(failure));
      }
      if (active || !known.current.ended) {
        timer = setTimeout(() => void look(), PAUSE);
      }
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [client, job.id, active, visible]);

  const earlier = async (): Promise<void> => {
    const end = known.current.start;
    const offset = Math.max(0, end - PIECE);
    const piece = await client.jobs.log(job.id, { offset, limit: end - offset });
    if (known.current.start === end) {
      known.current = prepend(known.current, offset > 0 ? wholeLines(piece) : piece);
      setLog(known.current);
    }
  };
  return { log, error, earlier };
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
export function JobLog({ job, hit, words = '', follow, onFollow }: IJobLogProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { log, error, earlier } = useLog(job);
  const { run, busy } = useAction();
  const host = useRef<HTMLDivElement>(null);
  const why = log.note === undefined || log.note === '' ? trans.__('It wrote nothing.') : log.note;

  useEffect(() => {
    if (follow && !hit && host.current) {
      host.current.scrollTop = host.current.scrollHeight;
    }
  }, [log, follow, hit]);

  const onScroll = (): void => {
    const node = host.current;
    const atEnd = node ? node.scrollHeight - node.scrollTop - node.clientHeight < 24 : true;
    if (atEnd !== follow && !hit) {
      onFollow(atEnd);
    }
  };

  return (
    <div className={cx('log-main')}>
      {error && <ErrorCard error={error} />}
      {hit ? (
        <p className={cx('more')}>{trans.__('line %1 and what is around it', format.number(hit.line))}</p>
      ) : (
        log.start > 0 && (
          <p className={cx('more')}>
            {trans.__('The first %1 are not shown; the log is whole on disk.', format.bytes(log.start))}{' '}
            <Button label={trans.__('Earlier…')} disabled={busy} onClick={() => void run(earlier)} />
          </p>
        )
      )}
      <div
        ref={host}
        className={cx('log')}
        role="log"
        aria-label={trans.__('Log of %1', job.name)}
        tabIndex={0}
        onScroll={onScroll}
      >
        {hit ? (
          <Around job={job} hit={hit} words={words} />
        ) : log.text ? (
          <pre>{log.text}</pre>
        ) : (
          <span className={cx('quiet')}>{log.ended ? why : trans.__('Nothing written yet.')}</span>
        )}
      </div>
    </div>
  );
}

/** Bytes of the log around a line. */
const AROUND = 24_000;

/** A line of the log, with what stands before and behind it. */
function Around({ job, hit, words }: { job: IJob; hit: ILogHit; words: string }): React.ReactElement {
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
      return { before: before ? (start > 0 ? wholeLines(before) : before).text : '', after: after.text, number };
    },
    { every: () => null, list: job.ref }
  );
  const shown = query.data;
  const marked = useRef<HTMLElement>(null);
  useEffect(() => {
    marked.current?.scrollIntoView({ block: 'center' });
  }, [shown]);
  if (!shown) {
    return <Result query={query}>{() => null}</Result>;
  }
  const end = shown.after.indexOf('\n');
  const line = end < 0 ? shown.after : shown.after.slice(0, end);
  const at = line.toLowerCase().indexOf(words.toLowerCase());
  return (
    <pre>
      {shown.before}
      <span ref={marked} className={cx('log-hit')} aria-current="location" data-line={shown.number}>
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
      </span>
      {shown.after.slice(line.length + 1)}
    </pre>
  );
}
