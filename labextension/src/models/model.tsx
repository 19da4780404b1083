import '../../style/models.css';

import React, { useState } from 'react';

import type { IModelDetail, IVersion } from '../api/types';
import { ActionButton } from '../components/action';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Button } from '../components/button';
import { Facts, Heading, InsertButton, PageHeader, Tabs } from '../components/header';
import { LeftOut, More } from '../components/more';
import { Name } from '../components/name';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useGoal } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { Passed } from '../deployments/passed';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';
import { ModelCard, Place } from './card';
import { type IPlace, testedPlace, usePlaces } from './deployed';
import { FailedTests } from './failed';
import { Register } from './registering';

const METRICS_SHOWN = 4;

/** The page of a model: its versions, their aliases, and the promotion of one. */
export default function ModelPage({ reference, name }: IPageProps): React.ReactElement {
  const { client } = useWorkbench();
  const query = useQuery(reference, signal => client.experiments.model(name, signal), {
    topics: ['model'],
    about: reference
  });
  return (
    <>
      <PageHeader icon="models" title={name} reference={reference}>
        <Register model={name} />
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      <Result query={query}>{detail => <Model detail={detail} />}</Result>
    </>
  );
}

function Model({ detail }: { detail: IModelDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { model } = detail;
  const [view, setView] = useState('versions');
  return (
    <>
      <Facts>
        <Num value={model.versions} strong unit={trans._n('version', 'versions', model.versions)} />
        {Object.entries(model.aliases).map(([alias, version]) => (
          <React.Fragment key={alias}>
            <Tag>{alias}</Tag> v{version}
          </React.Fragment>
        ))}
        {model.updated_at && (
          <>{trans.__('changed %1 ago', format.span(format.secondsSince(model.updated_at)))}</>
        )}
        {model.description && <span>{model.description}</span>}
      </Facts>
      <Tabs
        tabs={[
          { name: 'versions', label: trans.__('Versions') },
          { name: 'card', label: trans.__('Model Card') },
          { name: 'aliases', label: trans.__('Aliases') }
        ]}
        current={view}
        onSelect={setView}
      >
        {view === 'versions' && <Versions detail={detail} />}
        {view === 'card' && <ModelCard detail={detail} />}
        {view === 'aliases' && <Aliases detail={detail} />}
      </Tabs>
      <CodeDrawer code={detail.code} />
    </>
  );
}

function Versions({ detail }: { detail: IModelDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { model, versions } = detail;
  const goal = useGoal('version');
  const places = usePlaces(model.name);
  const [all, showAll] = useState(false);
  const [selection, select] = useState<ReadonlySet<string>>(new Set());
  const names = [...new Set(versions.flatMap(version => Object.keys(version.metrics)))].sort();
  const metrics = all ? names : names.slice(0, METRICS_SHOWN);
  const best = versions.find(version => version.version === model.aliases.champion);
  const compared = comparedIn(metrics, versions, best);
  return (
    <div className={cx('scroll', 'split')}>
      <FailedTests places={places} />
      <Compare versions={versions.filter(({ ref }) => selection.has(ref))} />
      <Table
        label={trans.__('Versions of %1', model.name)}
        columns={columnsOf({ versions, metrics, best, compared, places }, workbench)}
        rows={versions}
        row={version => ({ id: version.ref, ref: version.ref, item: version })}
        onOpen={ref => {
          const run = versions.find(version => version.ref === ref)?.run;
          if (run) {
            void workbench.open(formatRef('run', run));
          }
        }}
        total={model.versions}
        goal={goal}
        current={goal?.id}
        selection={selection}
        onSelect={select}
      />
      {[...new Set(versions.map(version => version.fault || version.unservable))]
        .filter(Boolean)
        .map(why => (
          <p key={why} className={cx('more')}>
            {trans.__('Not deployable: %1', why)}
          </p>
        ))}
      {best && compared.size > 0 && (
        <p className={cx('more')}>
          {trans.__('Beside a metric: its difference to the champion, v%1', best.version)}
        </p>
      )}
      <LeftOut columns={names.length - metrics.length} onAll={() => showAll(true)} />
      <More page={{ shown: versions.length, total: model.versions }} />
    </div>
  );
}

/** The runs of the selected versions side by side. */
function Compare({ versions }: { versions: readonly IVersion[] }): React.ReactElement {
  const { open, trans } = useWorkbench();
  const runs = [...new Set(versions.flatMap(({ run }) => run ?? []))];
  return (
    <div className={cx('bar')}>
      <Button
        label={runs.length > 1 ? trans.__('Compare %1', runs.length) : trans.__('Compare Versions')}
        caption={trans.__('Select two versions or more with Space; their runs are compared')}
        disabled={runs.length < 2}
        onClick={() => void open(formatRef('compare', runs))}
      />
    </div>
  );
}

/** The names that point at a version, and where each of them leads. */
function Aliases({ detail }: { detail: IModelDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { model, versions } = detail;
  const rows = Object.entries(model.aliases).map(([alias, number]) => ({
    alias,
    number,
    version: versions.find(({ version }) => version === number)
  }));
  return (
    <div className={cx('scroll', 'split')}>
      <Heading
        title={trans.__('Aliases')}
        note={trans.__('a name that points at one version; Promote… moves it')}
      />
      {rows.length ? (
        <Table
          label={trans.__('Aliases of %1', model.name)}
          columns={[
            {
              key: 'alias',
              head: trans.__('alias'),
              width: 180,
              cell: row => <Tag>{row.alias}</Tag>
            },
            { key: 'version', head: trans.__('version'), width: 90, cell: row => `v${row.number}` },
            {
              key: 'run',
              head: trans.__('run'),
              cell: ({ version }) =>
                version?.run && (
                  <RefLink reference={formatRef('run', version.run)}>
                    <Name text={version.run_name || format.shortId(version.run)} />
                  </RefLink>
                )
            }
          ]}
          rows={rows}
          row={({ alias, version }) => ({ id: alias, ref: version?.ref, item: version })}
        />
      ) : (
        <p className={cx('more')}>{trans.__('No alias points at a version yet.')}</p>
      )}
    </div>
  );
}

interface IVersions {
  versions: readonly IVersion[];
  /** Those with a column. */
  metrics: readonly string[];
  /** The champion. */
  best: IVersion | undefined;
  /** The metrics in which another version is compared with it. */
  compared: ReadonlySet<string>;
  /** Where each of them is deployed, by number; undefined while that is not known. */
  places: ReadonlyMap<number, readonly IPlace[]> | undefined;
}

function columnsOf(
  { versions, metrics, best, compared, places }: IVersions,
  { trans }: IWorkbench
): IColumnSpec<IVersion>[] {
  const time = clock(versions.map(version => version.created_at));
  return [
    {
      key: 'version',
      head: trans.__('version'),
      cell: row => <b>v{row.version}</b>,
      sort: row => row.version,
      width: 80
    },
    {
      key: 'aliases',
      head: trans.__('alias'),
      cell: row => row.aliases.map(alias => <Tag key={alias}>{alias}</Tag>),
      width: 160
    },
    {
      key: 'deployable', // at the left, where the buttons that stay in sight cannot cover it
      head: trans.__('deployable'),
      width: 100,
      cell: row => <Deployable version={row} />
    },
    {
      key: 'run',
      head: trans.__('run'),
      width: 140,
      cell: row =>
        row.run && (
          <RefLink reference={formatRef('run', row.run)}>
            <Name text={row.run_name || format.shortId(row.run)} />
          </RefLink>
        )
    },
    ...deployedColumns(places, trans),
    ...metrics.map((name): IColumnSpec<IVersion> => ({
      key: name,
      head: name,
      figure: row => row.metrics[name],
      cell: row => (
        <Against
          value={row.metrics[name]}
          champion={row === best ? undefined : best?.metrics[name]}
          compared={compared.has(name)}
        />
      ),
      sort: row => figure(row.metrics[name]) ?? null
    })),
    {
      key: 'signature',
      head: trans.__('signature'),
      width: 100,
      cell: row =>
        row.signature ? (
          <State state="passed" />
        ) : (
          <State state="failed">{trans.__('missing')}</State>
        )
    },
    ...madeFromColumns(trans),
    { key: 'notebook', head: trans.__('notebook'), cell: row => row.notebook ?? format.DASH },
    {
      key: 'size',
      head: trans.__('size'),
      width: 80,
      figure: row => row.size_bytes ?? undefined,
      cell: row => (row.size_bytes === null ? format.DASH : format.bytes(row.size_bytes)),
      sort: row => row.size_bytes
    },
    {
      key: 'created',
      head: trans.__('created'),
      width: 110,
      cell: row => time(row.created_at),
      sort: row => row.created_at
    },
    verbsColumn(trans)
  ];
}

/** What is done with a version. */
const verbsColumn = (trans: IWorkbench['trans']): IColumnSpec<IVersion> => ({
  key: 'verbs',
  head: '',
  end: true,
  sticky: true,
  cell: row => (
    <span className={cx('row-verbs')}>
      <ActionButton command="mlinfra:models-promote" target={row} label={trans.__('Promote…')} />
      <ActionButton command="mlinfra:deployments-create" target={row} label={trans.__('Deploy…')} />
      <ActionButton
        bare
        kind="quiet"
        command="mlinfra:models-delete"
        target={row}
        label={trans.__('Delete v%1…', row.version)}
      />
    </span>
  )
});

/** The data and the feature views that the run of a version read. */
function madeFromColumns(trans: IWorkbench['trans']): IColumnSpec<IVersion>[] {
  const linked = (row: IVersion, views: boolean): React.ReactNode => {
    const refs = row.datasets.filter(ref => ref.startsWith('view:') === views);
    return refs.length
      ? refs.map(ref => (
          <div key={ref}>
            <RefLink reference={ref}>{ref.replace(/^(dataset|view):/, '')}</RefLink>
          </div>
        ))
      : format.DASH;
  };
  return [
    { key: 'data', head: trans.__('data'), width: 180, cell: row => linked(row, false) },
    { key: 'views', head: trans.__('feature views'), width: 120, cell: row => linked(row, true) }
  ];
}

/** The tests that a version went through, and where it is deployed. */
function deployedColumns(
  places: IVersions['places'],
  trans: IWorkbench['trans']
): IColumnSpec<IVersion>[] {
  return places?.size
    ? [
        {
          key: 'gates',
          head: trans.__('tests'),
          width: 70,
          cell: row => {
            const place = testedPlace(places.get(row.version));
            return place ? <Passed version={place.version} /> : format.DASH;
          }
        },
        {
          key: 'deployed',
          head: trans.__('deployed'),
          width: 140,
          cell: row =>
            (places.get(row.version) ?? []).map(place => (
              <div key={place.deployment}>
                <Place place={place} />
              </div>
            ))
        }
      ]
    : [];
}

/** Whether a version can be deployed; why not, when pointed at. */
function Deployable({ version }: { version: IVersion }): React.ReactElement {
  const { trans } = useWorkbench();
  const why = version.fault || version.unservable;
  return why ? (
    <span title={why}>
      <State state="failed">{version.fault ? trans.__('files') : trans.__('no')}</State>
    </span>
  ) : (
    <State state="passed" />
  );
}

type Metric = IVersion['metrics'][string] | undefined;

const figure = (value: Metric): number | undefined =>
  value === undefined ? undefined : format.real(value);

const differenceOf = (value: Metric, champion: Metric): number =>
  (figure(value) ?? Number.NaN) - (figure(champion) ?? Number.NaN);

/** The metrics in which another version can be compared with the champion. */
const comparedIn = (
  metrics: readonly string[],
  versions: readonly IVersion[],
  champion: IVersion | undefined
): ReadonlySet<string> =>
  new Set(
    metrics.filter(name =>
      versions.some(
        version =>
          version !== champion &&
          Number.isFinite(differenceOf(version.metrics[name], champion?.metrics[name]))
      )
    )
  );

interface IAgainstProps {
  value: Metric;
  champion: Metric;
  /** Whether the column has differences: then all cells leave space for them. */
  compared: boolean;
}

/** A metric, and its difference to the champion's. */
function Against({ value, champion, compared }: IAgainstProps): React.ReactElement {
  const { trans } = useWorkbench();
  const difference = differenceOf(value, champion);
  const isComparable = Number.isFinite(difference);
  return (
    <span title={isComparable ? trans.__('against the champion') : undefined}>
      {value === undefined ? format.DASH : <Num value={value} />}
      {compared && (
        <span className={cx('quiet', 'models-difference')}>
          {isComparable && ` ${difference < 0 ? '' : '+'}${format.number(difference, 2)}`}
        </span>
      )}
    </span>
  );
}
