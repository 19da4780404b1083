import '../../style/catalog.css';

import React, { useEffect, useRef, useState } from 'react';

import type { ICatalogClient } from '../api/catalog';
import type {
  IColumn,
  IColumnProfile,
  IDataset,
  IDatasetDetail,
  INumber,
  IProfile,
  Tier
} from '../api/types';
import { Button, Key } from '../components/button';
import { LongWait, Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { usePageVerb } from '../components/frame';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useKeptFocus } from '../hooks/focus';
import type { IGoal } from '../hooks/page';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef, parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { columnOf, ColumnShape, figureOf, missing, mostFrequent } from './figures';
import { useRevealed } from './page/revealed';

export interface IRow extends IColumn {
  column?: IColumnProfile;
}

/** Columns that are drawn at first: each has a chart. */
const MOST = 200;

/** Of a table with more columns only what its files say is read by itself. */
const WIDE = 1000;

interface IColumnsProps {
  detail: IDatasetDetail;
  /**
   * The key of the page that led here: `f` to the field that finds a column, `e` to the exact
   * profile.
   */
  asked: string | null;
  /** A column to go to. */
  goal?: IGoal;
  /** The column that the page was asked for: it is marked, whatever the words of the field. */
  current?: string;
  /** What is shown of each. */
  shown?: (workbench: IWorkbench, profile: IProfile | undefined) => IColumnSpec<IRow>[];
}

/** The columns of a dataset with their profile; the exact one is reckoned when asked for. */
export function Columns({
  detail,
  asked,
  goal,
  current,
  shown = columnsOf
}: IColumnsProps): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { dataset, schema, newer } = detail;
  const first = schema.length > WIDE ? 'footer' : 'sample';
  const [tier, setTier] = useState<Tier>(asked === 'e' ? 'exact' : first);
  const [words, setWords] = useState('');
  // The newest snapshot has the columns of today, an older one those that it was written with.
  const name = newer && dataset.snapshot ? `${dataset.name}@${dataset.snapshot}` : dataset.name;
  const begun = useProfile(client.catalog, dataset, name, first);
  const asking = useProfile(client.catalog, dataset, name, tier, tier !== first);
  const query = tier === first ? begun : asking;
  // The numbers of the first tier stay until those that were asked for are there.
  const profile = asking.data ?? begun.data;
  const rows = schema
    .filter(
      column =>
        column.name.toLowerCase().includes(words.trim().toLowerCase()) ||
        refOf(dataset, column) === current
    )
    .map((column): IRow => ({ ...column, column: columnOf(profile, column.name) }));
  const isExact = tier === 'exact' || profile?.tier === 'exact';
  usePageVerb('mlinfra:catalog-profile', () => setTier('exact'), !isExact);
  return (
    <div className={cx('scroll')}>
      <ProfileBar profile={profile} query={query} tier={tier} first={first} onTier={setTier}>
        <FindColumn words={words} going={asked === 'f'} onWords={setWords} left={rows.length} />
      </ProfileBar>
      {query.error && <Result query={query}>{() => null}</Result>}
      {tier === 'footer' && (
        <p className={cx('more')}>
          {trans.__(
            'It has more than %1 columns: only what its files say is read by itself. A sample tells their shapes and quantiles.',
            format.number(WIDE)
          )}
        </p>
      )}
      <Table
        label={trans.__('Columns of %1', dataset.name)}
        columns={shown(workbench, profile)}
        rows={rows}
        row={row => ({ id: refOf(dataset, row), ref: refOf(dataset, row) })}
        goal={goal}
        current={current}
        most={MOST}
      />
    </div>
  );
}

function useProfile(
  catalog: ICatalogClient,
  { ref, snapshot, updated_at }: IDataset,
  name: string,
  tier: Tier,
  when = true
): IQuery<IProfile> {
  const reveal = useRevealed();
  return useQuery(
    `profile:${ref}@${snapshot ?? updated_at}:${tier}${reveal ? ' revealed' : ''}`,
    signal => catalog.profile(name, { tier, reveal: reveal || undefined }, signal),
    {
      every: () => null,
      when
    }
  );
}

interface IFindColumnProps {
  words: string;
  /** Whether the field is shown at once. */
  going: boolean;
  onWords: (words: string) => void;
  left: number;
}

function FindColumn({ words, going, onWords, left }: IFindColumnProps): React.ReactElement {
  const { trans } = useWorkbench();
  const host = useRef<HTMLDivElement>(null);
  usePageVerb('mlinfra:catalog-find-column', () => host.current?.querySelector('input')?.focus());
  useEffect(() => {
    if (going) {
      host.current?.querySelector('input')?.focus();
    }
  }, [going]);
  return (
    <div ref={host} className={cx('field')}>
      <Field label={trans.__('find a column')} value={words} width={120} onChange={onWords} />
      <Key>f</Key>
      {words && (
        <span className={cx('quiet')} aria-live="polite">
          {trans._n('%1 column', '%1 columns', left)}
        </span>
      )}
    </div>
  );
}

const refOf = (dataset: IDataset, { name }: IColumn): string =>
  formatRef('column', [dataset.name, name]);

interface IProfileBarProps {
  profile: IProfile | undefined;
  query: IQuery<IProfile>;
  tier: Tier;
  /** The one that is read without being asked for. */
  first: Tier;
  onTier: (tier: Tier) => void;
  children: React.ReactNode;
}

function ProfileBar({
  profile,
  query,
  tier,
  first,
  onTier,
  children
}: IProfileBarProps): React.ReactElement {
  const { trans } = useWorkbench();
  const words: Record<Tier, string> = {
    footer: trans.__('file statistics'),
    sample: trans.__('sample'),
    exact: trans.__('exact')
  };
  const host = useRef<HTMLDivElement>(null);
  const onFocus = useKeptFocus(host);
  const part = profile?.tier === 'sample' ? sampled(profile) : 0;
  const read = part ? trans.__('sample of %1', format.compact(part)) : words[profile?.tier ?? tier];
  return (
    <div
      ref={host}
      className={cx('bar')}
      role="group"
      aria-label={trans.__('Profile')}
      tabIndex={-1}
      onFocus={onFocus}
    >
      <span className={cx('quiet')}>{trans.__('Profile:')}</span>
      {profile ? (
        <State state="passed">
          {trans.__(
            '%1, %2',
            profile.first_rows ? trans.__('sample of the first rows') : read,
            format.duration(profile.seconds)
          )}
        </State>
      ) : (
        <span className={cx('quiet')}>{query.loading ? trans.__('reading…') : format.DASH}</span>
      )}
      {profile?.rows != null && (
        <span className={cx('quiet')}>
          <Num value={profile.rows} unit={trans.__('rows')} />
        </span>
      )}
      {tier === 'footer' && (
        <Button label={trans.__('Take a Sample')} onClick={() => onTier('sample')} />
      )}
      {tier !== 'exact' && profile?.tier !== 'exact' && (
        <Button label={trans.__('Run Exact')} onClick={() => onTier('exact')} />
      )}
      {query.loading && (
        <LongWait
          key={tier}
          label={trans.__('Reading the profile')}
          onCancel={() => (tier === first ? query.cancel() : onTier(first))}
        />
      )}
      {query.cancelled && <Button label={trans.__('Load')} onClick={() => void query.refresh()} />}
      <span className={cx('space')} />
      {children}
      <Legend />
    </div>
  );
}

/** How many rows the figures of a sample come from. */
const sampled = ({ columns }: IProfile): number =>
  Math.max(0, ...Object.values(columns).map(({ sample }) => sample ?? 0));

function Legend(): React.ReactElement {
  const { trans } = useWorkbench();
  const marks: readonly [INumber['basis'], string, string][] = [
    ['exact', '', trans.__('no mark: exact')],
    ['approx', '≈', trans.__('approximate')],
    ['sample', '~', trans.__('from a sample')]
  ];
  return (
    <span className={cx('legend')}>
      {marks.map(([basis, mark, word]) => (
        <span key={basis}>
          <span className={cx('basis', `basis-${basis}`)}>{mark}</span> {word}
        </span>
      ))}
    </span>
  );
}

const meanOrTop = ({ column }: IRow, profile: IProfile | undefined): INumber | undefined =>
  figureOf(column, 'mean') ??
  (column?.shape?.kind === 'days' ? undefined : mostFrequent(column, profile));

const sortable = (number: INumber | undefined): number | string | null => number?.value ?? null;

function columnsOf({ trans }: IWorkbench, profile: IProfile | undefined): IColumnSpec<IRow>[] {
  const percent = (number: unknown): string => format.percent(number, 2);
  return [
    {
      key: 'name',
      head: trans.__('column'),
      cell: ({ name, doc, tags }) => (
        <span title={doc ? `${name}\n${doc}` : name}>
          <span className={cx('strong-name', 'cell')}>{name}</span>{' '}
          {tags.map(tag => (
            <Tag key={tag}>{tag}</Tag>
          ))}
        </span>
      ),
      sort: row => row.name
    },
    {
      key: 'type',
      head: trans.__('type'),
      cell: row => <span className={cx('type')}>{row.type}</span>,
      sort: row => row.type,
      width: 110
    },
    {
      key: 'missing',
      head: trans.__('missing'),
      width: 88,
      figure: ({ column }) => missing(column, profile),
      write: percent,
      sort: ({ column }) => sortable(missing(column, profile))
    },
    {
      key: 'distinct',
      head: trans.__('distinct'),
      width: 88,
      figure: ({ column }) => figureOf(column, 'distinct'),
      write: number =>
        typeof number === 'number' && number >= 1e5
          ? format.compact(number)
          : format.number(number),
      sort: ({ column }) => sortable(figureOf(column, 'distinct'))
    },
    {
      key: 'min',
      head: trans.__('min'),
      width: 140,
      figure: ({ column }) => figureOf(column, 'min'),
      cell: ({ column }) => <Clipped number={figureOf(column, 'min')} />
    },
    {
      key: 'mean',
      head: trans.__('mean / top'),
      width: 140,
      figure: row => meanOrTop(row, profile),
      cell: row => <Clipped number={meanOrTop(row, profile)} />
    },
    {
      key: 'max',
      head: trans.__('max'),
      width: 140,
      figure: ({ column }) => figureOf(column, 'max'),
      cell: ({ column }) => <Clipped number={figureOf(column, 'max')} />
    },
    {
      key: 'used',
      head: trans.__('used by'),
      width: 130,
      cell: ({ used_by }) => <UsedBy refs={used_by} />
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 150,
      cell: ({ name, column }) =>
        column?.shape && <ColumnShape name={name} shape={column.shape} width={132} height={16} />
    }
  ];
}

/** Of a moment only its day. */
const dayOf = ({ value, ...rest }: INumber): INumber => ({
  ...rest,
  value: typeof value === 'string' ? value.replace(/^(\d{4}-\d\d-\d\d)[ T].*$/, '$1') : value
});

interface IClippedProps {
  number: INumber | undefined;
  /** Where many stand beside each other. */
  narrow?: boolean;
}

/** A minimum, maximum or top value: as long as the column is wide. */
export function Clipped({ number, narrow }: IClippedProps): React.ReactElement | null {
  if (number?.value == null) {
    return null;
  }
  return (
    <span className={cx('clip', narrow && 'catalog-narrow')} title={String(number.value)}>
      <Num value={narrow ? dayOf(number) : number} format={format.datum} cut />
    </span>
  );
}

/** The name as short as it can be told: of a column its table, without the namespace. */
function partOf(ref: string): string | undefined {
  const parsed = parseRef(ref);
  return parsed?.kind === 'column' ? parsed.parts[0]?.split('.').pop() : undefined;
}

function UsedBy({ refs }: { refs: readonly string[] }): React.ReactElement | null {
  const [first] = refs;
  if (!first) {
    return null;
  }
  return (
    <span className={cx('clip')} title={refs.join('\n')}>
      <RefLink reference={first}>{partOf(first)}</RefLink>
      {refs.length > 1 && <span className={cx('quiet')}> +{refs.length - 1}</span>}
    </span>
  );
}
