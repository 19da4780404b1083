import { InputDialog } from '@jupyterlab/apputils';
import React, { useState } from 'react';

import type { IModelDetail, IVersion } from '../api/types';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { done } from '../components/confirm';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Facts, InsertButton, PageHeader } from '../components/header';
import { LeftOut, More } from '../components/more';
import { Num } from '../components/number';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useGoal } from '../hooks/page';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps, IWorkbench } from '../tokens';

const METRICS_SHOWN = 4;
const ALIASES = ['champion', 'challenger', 'candidate'];

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
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      <Result query={query}>{detail => <Model detail={detail} query={query} />}</Result>
    </>
  );
}

function Model({
  detail,
  query
}: {
  detail: IModelDetail;
  query: IQuery<IModelDetail>;
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { model, versions } = detail;
  const promote = usePromote(query);
  const deploy = useDeploy();
  const goal = useGoal('version');
  const [all, showAll] = useState(false);
  const names = [...new Set(versions.flatMap(version => Object.keys(version.metrics)))].sort();
  const metrics = all ? names : names.slice(0, METRICS_SHOWN);
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
      <div className={cx('scroll', 'split')}>
        <Table
          label={trans.__('Versions of %1', model.name)}
          columns={columnsOf(versions, metrics, model.aliases.champion, {
            workbench,
            promote,
            deploy
          })}
          rows={versions}
          row={({ ref }) => ({ id: ref, ref })}
          onOpen={ref => {
            const run = versions.find(version => version.ref === ref)?.run;
            if (run) {
              void workbench.open(formatRef('run', run));
            }
          }}
          total={model.versions}
          goal={goal}
          current={goal?.id}
        />
        {[...new Set(versions.map(version => version.fault || version.unservable))]
          .filter(Boolean)
          .map(why => (
            <p key={why} className={cx('more')}>
              {trans.__('Not deployable: %1', why)}
            </p>
          ))}
        <LeftOut columns={names.length - metrics.length} onAll={() => showAll(true)} />
        <More page={{ shown: versions.length, total: model.versions }} />
      </div>
      <CodeDrawer code={detail.code} />
    </>
  );
}

type OnVersion = (version: IVersion) => void;

/** Move an alias, and offer to move it back. */
function usePromote(query: IQuery<IModelDetail>): OnVersion {
  const { client, trans } = useWorkbench();
  const { run } = useAction();
  const aliases = query.data?.model.aliases ?? {};
  const move = async (model: string, version: number, alias: string): Promise<void> => {
    await client.experiments.promote(model, version, alias);
    await query.refresh();
  };
  return version => {
    void (async () => {
      const answer = await InputDialog.getItem({
        title: trans.__('Promote %1 v%2', version.model, version.version),
        label: trans.__(
          'The alias moves to this version. Traffic of deployments does not change: that is promoted on the deployment’s page.'
        ),
        items: ALIASES,
        current: 0,
        editable: true,
        okLabel: trans.__('Move Alias')
      });
      const alias = answer.button.accept ? answer.value?.trim() : '';
      if (!alias) {
        return;
      }
      const before = aliases[alias];
      if (await run(() => move(version.model, version.version, alias))) {
        const back =
          before && before !== version.version
            ? {
                label: trans.__('Undo'),
                run: () => void run(() => move(version.model, before, alias))
              }
            : undefined;
        done(trans.__('%1 is now v%2 of %3.', alias, version.version, version.model), trans, back);
      }
    })();
  };
}

/** Deploy a version beside those that answer: it gets no traffic before it is given some. */
function useDeploy(): OnVersion {
  const { client, trans, open } = useWorkbench();
  const { run } = useAction();
  return version => {
    void (async () => {
      const answers = [null, 'classes', 'probabilities'] as const;
      const items = [trans.__('what it predicts'), trans.__('classes'), trans.__('probabilities')];
      const sure = await InputDialog.getItem({
        title: trans.__('Deploy %1 v%2?', version.model, version.version),
        label: trans.__(
          'Its environment is built and it is tested before it answers. The first version of a deployment gets all traffic; a later one gets none until it is given some. A classifier answers:'
        ),
        items,
        okLabel: trans.__('Deploy')
      });
      if (sure.button.accept) {
        await run(async () => {
          const job = await client.deployments.deploy({
            version: `${version.model}/${version.version}`,
            answers: answers[items.indexOf(sure.value ?? '')] ?? null
          });
          await open(job.ref);
        });
      }
    })();
  };
}

interface IVerbs {
  workbench: IWorkbench;
  promote: OnVersion;
  deploy: OnVersion;
}

function columnsOf(
  versions: readonly IVersion[],
  metrics: readonly string[],
  champion: number | undefined,
  { workbench, promote, deploy }: IVerbs
): IColumnSpec<IVersion>[] {
  const { trans, open } = workbench;
  const best = versions.find(version => version.version === champion);
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
    ...metrics.map((name): IColumnSpec<IVersion> => ({
      key: name,
      head: name,
      end: true,
      cell: row => (
        <Against
          value={figure(row.metrics[name])}
          champion={row === best ? undefined : figure(best?.metrics[name])}
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
    {
      key: 'deployable',
      head: trans.__('deployable'),
      width: 100,
      cell: row => <Deployable version={row} />
    },
    {
      key: 'run',
      head: trans.__('run'),
      width: 100,
      cell: row =>
        row.run && (
          <Link onClick={() => void open(formatRef('run', row.run ?? ''))}>
            {format.shortId(row.run)}
          </Link>
        )
    },
    { key: 'notebook', head: trans.__('notebook'), cell: row => row.notebook ?? format.DASH },
    {
      key: 'created',
      head: trans.__('created'),
      width: 110,
      cell: row => time(row.created_at),
      sort: row => row.created_at
    },
    {
      key: 'verbs',
      head: '',
      end: true,
      sticky: true,
      cell: row => (
        <span className={cx('row-verbs')}>
          <Button label={trans.__('Promote…')} onClick={() => promote(row)} />
          <Button
            label={trans.__('Deploy…')}
            disabled={Boolean(row.fault || row.unservable)}
            caption={row.fault || row.unservable || undefined}
            onClick={() => deploy(row)}
          />
        </span>
      )
    }
  ];
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

const figure = (value: IVersion['metrics'][string] | undefined): number | undefined =>
  value === undefined ? undefined : format.real(value);

/** A metric, and its difference to the champion's. */
function Against({
  value,
  champion
}: {
  value: number | undefined;
  champion: number | undefined;
}): React.ReactElement {
  const { trans } = useWorkbench();
  if (value === undefined) {
    return <>{format.DASH}</>;
  }
  const difference =
    champion === undefined || !Number.isFinite(value - champion) ? null : value - champion;
  return (
    <span title={difference === null ? undefined : trans.__('against the champion')}>
      <Num value={value} />
      {difference !== null && (
        <span className={cx('quiet')}>
          {' '}
          {difference < 0 ? format.number(difference, 2) : `+${format.number(difference, 2)}`}
        </span>
      )}
    </span>
  );
}
