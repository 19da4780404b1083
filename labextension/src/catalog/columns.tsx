import React, { useState } from 'react';

import type { IColumn, IColumnProfile, IDatasetDetail, INumber, IProfile, Tier } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { Bars } from '../components/shape';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';

interface IRow extends IColumn {
  profile?: IColumnProfile;
}

/** The columns of a dataset with their profile; the exact one is reckoned when asked for. */
export function Columns({ detail }: { detail: IDatasetDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const { dataset, schema } = detail;
  const [tier, setTier] = useState<Tier>('sample');
  const query = useQuery(
    `profile:${dataset.ref}@${dataset.snapshot}:${tier}`,
    signal => client.catalog.profile(dataset.name, tier, signal),
    {
      every: () => null
    }
  );
  const profiles = new Map(query.data?.columns.map(column => [column.name, column]));
  const rows = schema.map((column): IRow => ({ ...column, profile: profiles.get(column.name) }));
  return (
    <div className={cx('scroll')}>
      <ProfileBar profile={query.data} loading={query.loading} tier={tier} onTier={setTier} />
      {query.error && <Result query={query}>{() => null}</Result>}
      <Table
        label={trans.__('Columns of %1', dataset.name)}
        columns={columnsOf(workbench)}
        rows={rows}
        row={row => rowOf(dataset.name, row)}
      />
    </div>
  );
}

const rowOf = (dataset: string, { name }: IRow): { id: string; ref: string } => {
  const ref = `column:${dataset}.${name}`;
  return { id: ref, ref };
};

interface IProfileBarProps {
  profile: IProfile | undefined;
  loading: boolean;
  tier: Tier;
  onTier: (tier: Tier) => void;
}

function ProfileBar({ profile, loading, tier, onTier }: IProfileBarProps): React.ReactElement {
  const { trans } = useWorkbench();
  const words: Record<Tier, string> = {
    footer: trans.__('file statistics'),
    sample: trans.__('sample'),
    exact: trans.__('exact')
  };
  return (
    <div className={cx('bar')}>
      <span className={cx('quiet')}>{trans.__('Profile:')}</span>
      {profile ? (
        <State state="passed">{trans.__('%1, %2', words[profile.tier], format.duration(profile.seconds))}</State>
      ) : (
        <span className={cx('quiet')}>{loading ? trans.__('reading…') : format.DASH}</span>
      )}
      {profile && (
        <span className={cx('quiet')}>
          <Num value={profile.rows} unit={trans.__('rows')} />
        </span>
      )}
      {tier !== 'exact' && <Button label={trans.__('Run Exact')} onClick={() => onTier('exact')} />}
      <span className={cx('space')} />
      <Legend />
    </div>
  );
}

function Legend(): React.ReactElement {
  const { trans } = useWorkbench();
  const marks: readonly [INumber['basis'], string, string][] = [
    ['exact', '=', trans.__('exact')],
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

const value = (number: INumber | undefined, write?: (value: unknown) => string): React.ReactNode =>
  number && number.value !== null ? <Num value={number} format={write} /> : null;

const sortable = (number: INumber | undefined): number | string | null => number?.value ?? null;

function columnsOf({ trans }: IWorkbench): IColumnSpec<IRow>[] {
  const percent = (number: unknown): string => format.percent(number, 2);
  return [
    {
      key: 'name',
      head: trans.__('column'),
      cell: row => <span className={cx('strong-name')}>{row.name}</span>,
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
      end: true,
      width: 88,
      cell: ({ profile }) => value(profile?.missing, percent),
      sort: ({ profile }) => sortable(profile?.missing)
    },
    {
      key: 'distinct',
      head: trans.__('distinct'),
      end: true,
      width: 88,
      cell: ({ profile }) =>
        value(profile?.distinct, number =>
          typeof number === 'number' && number >= 1e5 ? format.compact(number) : format.number(number)
        ),
      sort: ({ profile }) => sortable(profile?.distinct)
    },
    {
      key: 'min',
      head: trans.__('min'),
      end: true,
      width: 110,
      cell: ({ profile }) => <Clipped number={profile?.min} />
    },
    {
      key: 'mean',
      head: trans.__('mean / top'),
      end: true,
      width: 140,
      cell: ({ profile }) => <Clipped number={profile && profile.mean.value !== null ? profile.mean : profile?.top} />
    },
    {
      key: 'max',
      head: trans.__('max'),
      end: true,
      width: 110,
      cell: ({ profile }) => <Clipped number={profile?.max} />
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 150,
      cell: ({ name, profile }) =>
        profile && <Bars values={profile.shape} width={132} height={16} label={trans.__('Shape of %1', name)} />
    },
    {
      key: 'used',
      head: trans.__('used by'),
      width: 130,
      cell: ({ used_by }) => <UsedBy refs={used_by} />
    }
  ];
}

/** A minimum, maximum or top value: as long as the column is wide. */
function Clipped({ number }: { number: INumber | undefined }): React.ReactElement | null {
  if (number?.value == null) {
    return null;
  }
  return (
    <span className={cx('clip')} title={String(number.value)}>
      <Num value={number} />
    </span>
  );
}

function UsedBy({ refs }: { refs: readonly string[] }): React.ReactElement | null {
  const [first] = refs;
  if (!first) {
    return null;
  }
  return (
    <span title={refs.join('\n')}>
      <RefLink reference={first} />
      {refs.length > 1 && <span className={cx('quiet')}> +{refs.length - 1}</span>}
    </span>
  );
}
