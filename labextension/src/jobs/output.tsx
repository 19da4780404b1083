import '../../style/jobs.css';

import React, { useMemo, useRef } from 'react';

import type { IExecutedNotebook, IJob } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Net } from '../components/frame';
import { Later } from '../components/later';
import { Printed } from '../components/printed';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { type IPayload, isPayload } from '../mime/payload';
import type { Lazy } from '../tokens';
import { framesOf, type IFrame, type IFrameCell, type IFrames } from './frames';
import { isActive } from './state';

/**
 * A part of a cell's output as it is shown: text, a picture, tables, or a record of the workbench.
 */
export type IShownOutput =
  | { kind: 'text' | 'error' | 'image'; text: string }
  | ({ kind: 'tables' } & IFrames)
  | { kind: 'card'; payload: IPayload };

export interface IShownCell {
  /** Its place in the notebook, from 0. */
  index: number;
  source: string;
  outputs: readonly IShownOutput[];
  /** Older outputs that are not shown. */
  more: number;
}

/** Outputs of a cell that are shown, and characters of each text: their last ones. */
const MOST = 100;
const LONG = 200_000;

/** Text that says no more than that there is markup: `<IPython.core.display.HTML object>`. */
const MUTE = /^<[\w.]+ object( at 0x[0-9a-f]+)?>$/;

type Json = Readonly<Record<string, unknown>>;

const joined = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join('') : typeof value === 'string' ? value : '';

const PICTURES = ['image/png', 'image/jpeg'];

function outputOf(output: Json): IShownOutput | null {
  if (output.output_type === 'stream') {
    return { kind: 'text', text: joined(output.text) };
  }
  if (output.output_type === 'error') {
    const { traceback } = output;
    const lines = Array.isArray(traceback) ? traceback.join('\n') : joined(traceback);
    return { kind: 'error', text: lines };
  }
  const data = (output.data ?? {}) as Json;
  const record = data['application/vnd.mlinfra.v1+json'];
  if (isPayload(record)) {
    return { kind: 'card', payload: record };
  }
  const type = PICTURES.find(name => joined(data[name]));
  if (type) {
    return { kind: 'image', text: `data:${type};base64,${joined(data[type]).trim()}` };
  }
  const text = joined(data['text/plain']);
  const found = framesOf(joined(data['text/html']));
  // Tables among much else are shown only where the text says nothing of it.
  if (found.frames.length && (!found.partial || !text || MUTE.test(text))) {
    return { kind: 'tables', ...found };
  }
  return 'text/plain' in data ? { kind: 'text', text } : null;
}

/** Texts that follow each other as one: each write of a cell is an output of its own. */
function merged(outputs: readonly IShownOutput[]): IShownOutput[] {
  const found: IShownOutput[] = [];
  for (const output of outputs) {
    const last = found[found.length - 1];
    if (last?.kind === 'text' && output.kind === 'text') {
      last.text += output.text;
    } else {
      found.push({ ...output });
    }
  }
  return found;
}

/**
 * Code cells with what they put out, as text, tables and pictures: nothing of a notebook's markup
 * is run here.
 */
export function cellsOf(content: Json): IShownCell[] {
  const cells = (Array.isArray(content.cells) ? content.cells : []) as readonly Json[];
  return cells.flatMap((cell, index) => {
    const outputs = merged(
      ((cell.outputs ?? []) as readonly Json[]).flatMap(output => outputOf(output) ?? [])
    );
    const more = Math.max(0, outputs.length - MOST);
    return cell.cell_type === 'code' && outputs.length
      ? [{ index, source: joined(cell.source), outputs: outputs.slice(more), more }]
      : [];
  });
}

/** Open the notebook that a job wrote. */
export function OpenOutput({ path }: { path: string }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const openFile = useOpenFile();
  if (!path.endsWith('.ipynb') || path.startsWith('/')) {
    return null;
  }
  return (
    <Button
      icon="notebook"
      label={trans.__('Open Executed Notebook')}
      onClick={() => openFile(path)}
    />
  );
}

const isHidden = (path: string): boolean => path.split('/').some(part => part.startsWith('.'));

/** What the cells of the executed notebook put out, so far. */
export function Output({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const path = job.output ?? '';
  // The server gives those in the project's state; another one lies where the user put it, and
  // opens like any file.
  const isInState = isHidden(path) && job.attempt > 0;
  const lastRead = useRef<IExecutedNotebook | null>(null);
  const fetch = async (signal: AbortSignal): Promise<IExecutedNotebook | null> => {
    const last = lastRead.current?.path === path ? lastRead.current : null;
    return (lastRead.current =
      (await client.jobs.executedSince(path, last?.modified_at, signal)) ?? last);
  };
  const query = useQuery(`executed:${job.ref}:${job.attempt}`, fetch, {
    when: isInState,
    every: () => (isActive(job) ? 5_000 : null)
  });
  const content = query.data?.content;
  const cells = useMemo(() => cellsOf(content ?? {}), [content]);
  const waits = query.error?.code === 'not_found' && isActive(job);
  return (
    <div className={cx('scroll')}>
      <p className={cx('more')}>
        {path}{' '}
        {isInState && query.data && trans.__('as of %1', format.time(query.data.modified_at))}{' '}
        {(!isInState || query.data) && <OpenOutput path={path} />}
      </p>
      {waits ? (
        <p className={cx('more')}>{trans.__('No cell has ended yet.')}</p>
      ) : (
        isInState && (
          <Result query={query}>
            {found => <Cells cells={cells} failed={found?.failed_cell ?? null} />}
          </Result>
        )
      )}
    </div>
  );
}

function Cells({
  cells,
  failed
}: {
  cells: readonly IShownCell[];
  failed: number | null;
}): React.ReactElement {
  const { trans } = useWorkbench();
  if (!cells.length) {
    return <p className={cx('more')}>{trans.__('No cell has any output.')}</p>;
  }
  return (
    <>
      {cells.map(({ index, source, outputs, more }) => (
        <section
          key={index}
          className={cx('jobs-output-cell', index === failed && 'is-failed')}
          aria-label={trans.__('Cell %1', index + 1)}
        >
          <pre className={cx('jobs-output-source')}>{source}</pre>
          {more > 0 && (
            <p className={cx('more')}>
              {trans._n(
                '%1 older output is in the notebook',
                '%1 older outputs are in the notebook',
                more
              )}
            </p>
          )}
          {outputs.map((output, place) => (
            <ShownOutput key={place} output={output} cell={index + 1} />
          ))}
        </section>
      ))}
    </>
  );
}

const live: Lazy<{ payload: IPayload }> = () =>
  import(/* webpackChunkName: "shared" */ '../mime/live');

function ShownOutput({ output, cell }: { output: IShownOutput; cell: number }): React.ReactElement {
  const { trans } = useWorkbench();
  switch (output.kind) {
    case 'card':
      return (
        <div className={cx('jobs-output-card')}>
          <Net>
            <Later load={live} props={{ payload: output.payload }} />
          </Net>
        </div>
      );
    case 'tables':
      return (
        <>
          {output.frames.map((frame, index) => (
            <FrameTable key={index} frame={frame} label={trans.__('Table from cell %1', cell)} />
          ))}
          {(output.more > 0 || output.partial) && (
            <p className={cx('more')}>
              {output.more > 0
                ? trans._n(
                    '%1 more table is in the notebook',
                    '%1 more tables are in the notebook',
                    output.more
                  )
                : trans.__('The text around the tables is in the notebook')}
            </p>
          )}
        </>
      );
    case 'image':
      return <img src={output.text} alt={trans.__('Picture from cell %1', cell)} />;
    default:
      return (
        <div
          className={cx('jobs-output-text', output.kind === 'error' && 'tone-bad')}
          tabIndex={0}
          role="group"
        >
          {output.text.length > LONG && <p>{trans.__('The beginning is in the notebook.')}</p>}
          <Printed text={output.text.slice(-LONG)} />
        </div>
      );
  }
}

/** A frame as the workbench draws tables. */
function FrameTable({ frame, label }: { frame: IFrame; label: string }): React.ReactElement {
  const { trans } = useWorkbench();
  const { note, head, body, moreRows, moreColumns } = frame;
  const left = [
    moreRows > 0 &&
      trans._n('%1 more row is in the notebook', '%1 more rows are in the notebook', moreRows),
    moreColumns > 0 &&
      trans._n(
        '%1 more column is in the notebook',
        '%1 more columns are in the notebook',
        moreColumns
      )
  ];
  return (
    <div className={cx('jobs-output-table')}>
      <table className={cx('table')} aria-label={label}>
        <thead>
          {head.map((cells, index) => (
            <FrameRow key={index} cells={cells} />
          ))}
        </thead>
        <tbody>
          {body.map((cells, index) => (
            <FrameRow key={index} cells={cells} />
          ))}
        </tbody>
      </table>
      <p className={cx('more')}>{[note, ...left].filter(Boolean).join(' · ')}</p>
    </div>
  );
}

function FrameRow({ cells }: { cells: readonly IFrameCell[] }): React.ReactElement {
  return (
    <tr>
      {cells.map(({ text, head, end, colSpan, rowSpan }, index) => {
        const Cell = head ? 'th' : 'td';
        return (
          <Cell
            key={index}
            className={cx(end && 'is-end')}
            colSpan={colSpan}
            rowSpan={rowSpan}
            title={text}
          >
            {text}
          </Cell>
        );
      })}
    </tr>
  );
}
