import React from 'react';

import type { IJob } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { isActive } from './state';

/** A part of a cell's output that is shown as it is: text, or a picture. */
export interface IShownOutput {
  kind: 'text' | 'error' | 'image';
  text: string;
}

export interface IShownCell {
  /** Its place in the notebook, from 0. */
  index: number;
  source: string;
  outputs: readonly IShownOutput[];
}

type Json = Readonly<Record<string, unknown>>;

const joined = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join('') : typeof value === 'string' ? value : '';

// eslint-disable-next-line no-control-regex
const INK = /\u001b\[[0-9;]*m/g;

function outputOf(output: Json): IShownOutput | null {
  if (output.output_type === 'stream') {
    return { kind: 'text', text: joined(output.text) };
  }
  if (output.output_type === 'error') {
    return { kind: 'error', text: joined((output.traceback as unknown[] | undefined)?.join('\n')).replace(INK, '') };
  }
  const data = (output.data ?? {}) as Json;
  const picture = joined(data['image/png']);
  if (picture) {
    return { kind: 'image', text: `data:image/png;base64,${picture.trim()}` };
  }
  return 'text/plain' in data ? { kind: 'text', text: joined(data['text/plain']) } : null;
}

/** Texts that follow each other as one: each write of a cell is an output of its own. */
const merged = (outputs: readonly IShownOutput[]): IShownOutput[] =>
  outputs.reduce<IShownOutput[]>((found, output) => {
    const last = found[found.length - 1];
    return last?.kind === 'text' && output.kind === 'text'
      ? [...found.slice(0, -1), { kind: 'text', text: last.text + output.text }]
      : [...found, output];
  }, []);

/** Code cells with what they put out, as text and pictures: nothing of a notebook's markup is run here. */
export function cellsOf(content: Json): IShownCell[] {
  const cells = (Array.isArray(content.cells) ? content.cells : []) as readonly Json[];
  return cells.flatMap((cell, index) => {
    const outputs = merged(((cell.outputs ?? []) as readonly Json[]).flatMap(output => outputOf(output) ?? []));
    return cell.cell_type === 'code' && outputs.length ? [{ index, source: joined(cell.source), outputs }] : [];
  });
}

/** Open the notebook that a job wrote. */
export function OpenOutput({ path }: { path: string }): React.ReactElement | null {
  const { commands, trans } = useWorkbench();
  if (!path.endsWith('.ipynb') || path.startsWith('/')) {
    return null;
  }
  return (
    <Button
      icon="notebook"
      label={trans.__('Open Executed Notebook')}
      onClick={() => void commands.execute('mlinfra:workbench-open-file', { path })}
    />
  );
}

const isHidden = (path: string): boolean => path.split('/').some(part => part.startsWith('.'));

/** What the cells of the executed notebook put out, so far. */
export function Output({ job }: { job: IJob }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const path = job.output ?? '';
  // The server gives those in the project's state; another one lies where the user put it, and opens like any file.
  const given = isHidden(path) && job.attempt > 0;
  const query = useQuery(`executed:${job.ref}:${job.attempt}`, signal => client.jobs.executed(path, signal), {
    when: given,
    every: () => (isActive(job) ? 5_000 : null)
  });
  const waits = query.error?.code === 'not_found' && isActive(job);
  return (
    <div className={cx('scroll')}>
      <p className={cx('more')}>
        {path} {given && query.data && trans.__('as of %1', format.time(query.data.modified_at))}{' '}
        {(!given || query.data) && <OpenOutput path={path} />}
      </p>
      {waits ? (
        <p className={cx('more')}>{trans.__('No cell has ended yet.')}</p>
      ) : (
        given && (
          <Result query={query}>
            {({ content, failed_cell: at }) => <Cells cells={cellsOf(content)} failed={at} />}
          </Result>
        )
      )}
    </div>
  );
}

function Cells({ cells, failed }: { cells: readonly IShownCell[]; failed: number | null }): React.ReactElement {
  const { trans } = useWorkbench();
  if (!cells.length) {
    return <p className={cx('more')}>{trans.__('No cell put anything out.')}</p>;
  }
  return (
    <>
      {cells.map(({ index, source, outputs }) => (
        <section
          key={index}
          className={cx('output-cell', index === failed && 'is-failed')}
          aria-label={trans.__('Cell %1', index + 1)}
        >
          <pre className={cx('output-source')}>{source}</pre>
          {outputs.map(({ kind, text }, place) =>
            kind === 'image' ? (
              <img key={place} src={text} alt={trans.__('Picture put out by cell %1', index + 1)} />
            ) : (
              <pre key={place} className={cx(kind === 'error' && 'tone-bad')}>
                {text}
              </pre>
            )
          )}
        </section>
      ))}
    </>
  );
}
