import React, { useState } from 'react';

import type { IDataset, IDiff, ISnapshot } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Facts, Heading, InsertButton } from '../components/header';
import { Num } from '../components/number';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useCode } from '../hooks/code';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { short } from '../refs';
import type { IWorkbench } from '../tokens';
import { useRevealed } from './page/revealed';

/** Columns of an example that are shown; the rest is a word below. */
const WIDE = 30;

interface IDiffProps {
  dataset: IDataset;
  before: ISnapshot;
  after: ISnapshot;
  onBack: () => void;
}

/** How two snapshots of a dataset differ. */
export function DatasetDiff({ dataset, before, after, onBack }: IDiffProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [typed, type] = useState('');
  const [key, ask] = useState('');
  const { code } = useCode([after.ref, before.ref]);
  const reveal = useRevealed();
  const query = useQuery(`diff:${before.ref}:${after.id}:${key}:${String(reveal)}`, signal =>
    client.catalog.diff(
      dataset.name,
      { before: before.id, after: after.id, key, ...(reveal && { reveal }) },
      signal
    )
  );
  return (
    <div className={cx('scroll')}>
      <form
        className={cx('bar')}
        onSubmit={event => {
          event.preventDefault();
          ask(typed.trim());
        }}
      >
        <Button label={trans.__('Back')} caption={trans.__('To the snapshots')} onClick={onBack} />
        <b>{trans.__('%1 → %2', short(before.id), short(after.id))}</b>
        <Field
          label={trans.__('key')}
          value={typed}
          onChange={type}
          placeholder={trans.__('columns, such as id')}
          width={160}
        />
        <Button submit label={trans.__('Compare by Key')} disabled={typed.trim() === key} />
        <span className={cx('space')} />
        <InsertButton code={code?.python} primary={false} />
      </form>
      <Result query={query}>{diff => <Differences diff={diff} />}</Result>
    </div>
  );
}

function Differences({ diff }: { diff: IDiff }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const columns = columnLines(diff, workbench);
  const kinds = [
    ['+', trans.__('Rows that came'), diff.examples.added, diff.added],
    ['−', trans.__('Rows that went'), diff.examples.removed, diff.removed],
    ['→', trans.__('Rows that changed'), diff.examples.changed, diff.changed ?? 0]
  ] as const;
  return (
    <>
      <Facts>
        <Num value={diff.added} strong unit={trans.__('added')} />
        <Num value={diff.removed} strong unit={trans.__('removed')} />
        {diff.changed === null ? (
          trans.__('changed rows are told with a key')
        ) : (
          <Num value={diff.changed} strong unit={trans.__('changed')} />
        )}
        {trans._n('%1 file read', '%1 files read', diff.files_read)}
        {diff.note && <span>{diff.note}</span>}
      </Facts>
      {columns.length > 0 && (
        <>
          <Heading title={trans.__('Columns')} />
          <Facts>
            {columns.map(line => (
              <React.Fragment key={line}>{line}</React.Fragment>
            ))}
          </Facts>
        </>
      )}
      <Figures diff={diff} />
      {kinds.map(([sign, title, examples, count]) => (
        <Rows key={sign} sign={sign} title={title} examples={examples} count={count} />
      ))}
    </>
  );
}

function columnLines({ schema }: IDiff, { trans }: IWorkbench): string[] {
  return [
    ...Object.entries(schema.added).map(([name, kind]) => trans.__('%1 is new, %2', name, kind)),
    ...Object.entries(schema.removed).map(([name, kind]) => trans.__('%1 is gone, %2', name, kind)),
    ...Object.entries(schema.renamed).map(([old, name]) => trans.__('%1 is called %2', old, name)),
    ...Object.entries(schema.retyped).map(([name, kinds]) =>
      trans.__('%1 was %2 and is %3', name, kinds[0], kinds[1])
    )
  ];
}

interface IFigure {
  id: string;
  column: string;
  figure: string;
  before: string;
  after: string;
}

const figureOf = (value: unknown, digits: number): string =>
  typeof value === 'number' ? format.number(value, digits) : format.cell(value);

/** Two figures that differ, with as many digits as it takes to see that. */
function apart(before: unknown, after: unknown): [string, string] {
  for (let digits = 6; digits < 17; digits += 1) {
    const [old, now] = [figureOf(before, digits), figureOf(after, digits)];
    if (old !== now) {
      return [old, now];
    }
  }
  return [String(before), String(after)];
}

/** The statistics that differ, and of how many columns none does. */
function Figures({ diff }: { diff: IDiff }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const rows = Object.entries(diff.statistics).flatMap(([column, figures]) =>
    Object.entries(figures).map(([figure, [before, after]]) => {
      const [old, now] = apart(before, after);
      return { id: `${column}:${figure}`, column, figure, before: old, after: now };
    })
  );
  const columns: IColumnSpec<IFigure>[] = [
    { key: 'column', head: trans.__('column'), cell: ({ column }) => column },
    { key: 'figure', head: trans.__('figure'), cell: ({ figure }) => figure },
    {
      key: 'before',
      head: trans.__('before'),
      end: true,
      cell: ({ before }) => before
    },
    { key: 'after', head: trans.__('after'), end: true, cell: ({ after }) => after }
  ];
  const alike = trans._n(
    '%1 column has the same figures',
    '%1 columns have the same figures',
    diff.alike
  );
  return rows.length || diff.alike ? (
    <>
      <Heading title={trans.__('Statistics')} note={diff.alike ? alike : undefined} />
      {rows.length > 0 && (
        <Table
          label={trans.__('Statistics that differ')}
          columns={columns}
          rows={rows}
          row={({ id }) => ({ id })}
        />
      )}
    </>
  ) : null;
}

interface IRowsProps {
  sign: string;
  title: string;
  examples: IDiff['examples']['added'];
  count: number;
}

/** A few of the rows of one kind; of a changed one both values. */
function Rows({ sign, title, examples, count }: IRowsProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const shown = examples.data[0]?.length ?? 0;
  if (!shown) {
    return null;
  }
  const names = examples.columns.slice(0, WIDE);
  const columns: IColumnSpec<number>[] = [
    { key: '\0sign', head: '', cell: () => sign, width: 24 },
    ...names.map((name, place) => ({
      key: name,
      head: name,
      cell: (row: number) => <Cell examples={examples} place={place} row={row} />
    }))
  ];
  const left = examples.columns.length - names.length;
  return (
    <>
      <Heading
        title={title}
        note={trans.__('%1 of %2', format.number(shown), format.number(count))}
      />
      <Table
        label={title}
        columns={columns}
        rows={Array.from({ length: shown }, (_, row) => row)}
        row={row => ({ id: String(row) })}
        total={count}
      />
      {left > 0 && (
        <p className={cx('more')}>{trans._n('%1 more column', '%1 more columns', left)}</p>
      )}
    </>
  );
}

function Cell({
  examples,
  place,
  row
}: {
  examples: IRowsProps['examples'];
  place: number;
  row: number;
}): React.ReactElement {
  const after = format.cell(examples.data[place]?.[row]);
  const old = examples.before[place];
  const before = old ? format.cell(old[row]) : after;
  return before === after ? (
    <>{after}</>
  ) : (
    <>
      <del>{before}</del> <ins>{after}</ins>
    </>
  );
}
