import React from 'react';

import type {
  IFeatureFigures,
  INumber,
  IProfile,
  IView,
  IViewDetail,
  IViewStatistics
} from '../api/types';
import { ColumnShape, columnOf, figureOf, mostFrequent, quantile } from '../catalog/figures';
import { useRevealed } from '../catalog/page/revealed';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Facts, Heading } from '../components/header';
import { Num } from '../components/number';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { Drift, useStatistics } from './features';
import { Skew } from './skew';
import { compute } from './verbs';

/** The distribution of each feature, its drift and its skew. */
export function Statistics({ detail }: { detail: IViewDetail }): React.ReactElement {
  const workbench = useWorkbench();
  const query = useStatistics(detail.view, useRevealed());
  return (
    <Result query={query}>
      {known => (
        <div className={cx('scroll')}>
          <Window known={known} detail={detail} />
          {known.profile ? (
            <Table
              label={workbench.trans.__('Statistics of %1', known.view)}
              columns={columnsOf(workbench, known.profile)}
              rows={known.features}
              row={({ name }) => {
                const ref = formatRef('feature', [detail.view.name, name]);
                return { id: ref, ref };
              }}
              onOpen={() => undefined}
            />
          ) : (
            <EmptyCard
              sentence={
                known.problem ||
                known.told_from ||
                workbench.trans.__(
                  'Statistics are told from the rows of a source; this view has none.'
                )
              }
              code={known.fix}
            />
          )}
        </div>
      )}
    </Result>
  );
}

/** What drift and skew are measured against. */
function Window({
  known,
  detail
}: {
  known: IViewStatistics;
  detail: IViewDetail;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { training, skew, no_drift, profile, told_from } = known;
  const note = profile ? trans.__('of %1', told_from) : undefined;
  return (
    <>
      <Heading title={trans.__('Statistics')} note={note}>
        {detail.view.kind === 'on_demand' && <Compute view={detail.view} />}
        {detail.view.online && (
          <ActionButton
            command="mlinfra:features-check"
            target={detail.view}
            label={trans.__('Compare with Source')}
            busyLabel={trans.__('Comparing…')}
          />
        )}
      </Heading>
      <Facts>
        {known.rows.value !== null && (
          <>
            <Num value={known.rows} strong unit={trans.__('rows')} />
          </>
        )}
        {training && (
          <>
            {trans.__('training window')}{' '}
            <b>
              {format.day(training.first)} – {format.day(training.last)}
            </b>
          </>
        )}
        {no_drift && <span className={cx('quiet')}>{no_drift}</span>}
        {skew && <Skew report={skew} />}
      </Facts>
    </>
  );
}

/** Runs the code of an on-demand view on a sample of its inputs, as a job. */
function Compute({ view }: { view: IView }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const { run, busy } = useAction();
  const { ref, name } = view;
  return (
    <Button
      icon="play"
      disabled={busy}
      label={busy ? trans.__('Computing…') : trans.__('Compute on a Sample')}
      caption={trans.__('Run the code of this view on a sample of its inputs, as a job')}
      onClick={() => void run(() => compute({ workbench, ref, name }))}
    />
  );
}

function columnsOf(workbench: IWorkbench, profile: IProfile): IColumnSpec<IFeatureFigures>[] {
  const { trans } = workbench;
  const figure = (
    key: string,
    head: string,
    of: (name: string) => INumber | undefined
  ): IColumnSpec<IFeatureFigures> => ({ key, head, width: 84, figure: ({ name }) => of(name) });
  const column = (name: string): ReturnType<typeof columnOf> => columnOf(profile, name);
  return [
    {
      key: 'name',
      head: trans.__('feature'),
      cell: ({ name }) => <span className={cx('strong-name')}>{name}</span>,
      sort: ({ name }) => name,
      width: 180
    },
    {
      key: 'shape',
      head: trans.__('shape'),
      width: 140,
      cell: ({ name }) => {
        const shape = column(name)?.shape;
        return shape && <ColumnShape name={name} shape={shape} width={124} height={28} />;
      }
    },
    {
      key: 'fill',
      head: trans.__('filled'),
      width: 80,
      figure: ({ fill }) => fill ?? undefined,
      write: value => format.percent(value, 1)
    },
    figure('distinct', trans.__('distinct'), name => figureOf(column(name), 'distinct')),
    figure('min', trans.__('min'), name => figureOf(column(name), 'min')),
    figure('median', trans.__('median'), name => quantile(column(name), '0.5')),
    figure('mean', trans.__('mean'), name => figureOf(column(name), 'mean')),
    figure('std', trans.__('std'), name => figureOf(column(name), 'std')),
    figure('max', trans.__('max'), name => figureOf(column(name), 'max')),
    {
      key: 'drift',
      head: trans.__('drift (PSI)'),
      width: 90,
      figure: ({ drift }) => drift,
      cell: figures => <Drift figures={figures} />
    },
    {
      key: 'ks',
      head: trans.__('KS'),
      width: 70,
      figure: ({ ks }) => ks,
      write: value => format.number(value, 2)
    },
    {
      key: 'skew',
      head: trans.__('skew'),
      width: 80,
      figure: ({ skew }) => skew,
      write: value => format.percent(value, 1)
    },
    {
      key: 'top',
      head: trans.__('most frequent'),
      figure: ({ name }) => mostFrequent(column(name), profile, 2),
      end: false,
      width: 150
    }
  ];
}
