import '../../style/catalog.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset, IQuality, IRuleState, IWatch } from '../api/types';
import { ActionButton } from '../components/action';
import { Age } from '../components/age';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { State } from '../components/state';
import { StateCells } from '../components/strip';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

/** Rules of which rows that fail are shown, and columns of these. */
const SAMPLES = 5;
const COLUMNS = 12;
/** Earlier results that are drawn. */
const DRAWN = 7;

/** The rules of a dataset with their results, and whether it is late or short. */
export function Quality({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client } = useWorkbench();
  const query = useQuery(
    `quality:${dataset.ref}`,
    signal => client.catalog.quality(dataset.name, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={query}>{found => <Found dataset={dataset} found={found} />}</Result>
    </div>
  );
}

interface IFoundProps {
  dataset: IDataset;
  found: IQuality;
}

function Found({ dataset, found }: IFoundProps): React.ReactElement {
  const workbench = useWorkbench();
  const { commands, trans } = workbench;
  return (
    <>
      <div className={cx('catalog-watches', 'inset')}>
        <Watched label={trans.__('freshness')} watch={found.freshness} />
        <Watched label={trans.__('volume')} watch={found.volume} />
      </div>
      <div className={cx('bar')}>
        {found.rules.length > 0 && (
          <>
            <ActionButton command="mlinfra:catalog-rule" target={dataset} />
            <ActionButton
              command="mlinfra:catalog-quality"
              target={dataset}
              busyLabel={trans.__('Asking…')}
            />
          </>
        )}
        <span className={cx('space')} />
        <ActionButton command="mlinfra:catalog-export-contract" target={dataset} />
        <ActionButton command="mlinfra:catalog-import-contract" target={dataset} />
      </div>
      {found.rules.length === 0 ? (
        <EmptyCard
          sentence={trans.__(
            'A rule says what the rows of a dataset must be like. It is asked at each ingest, and whenever you want.'
          )}
          action={{
            label: trans.__('Add Rule…'),
            onClick: () => void commands.execute('mlinfra:catalog-rule', { ref: dataset.ref })
          }}
          code={`%catalog rule ${dataset.name} "rows >= 1"`}
        />
      ) : (
        <>
          <Table
            label={trans.__('Rules of %1', dataset.name)}
            columns={columnsOf(dataset, workbench)}
            rows={found.rules}
            row={({ rule }) => ({ id: rule.rule })}
          />
          <Samples rules={found.rules} />
        </>
      )}
    </>
  );
}

/** Whether something is as usual; the sentence is read by pointing at it. */
function Watched({ label, watch }: { label: string; watch: IWatch }): React.ReactElement {
  return (
    <span className={cx('catalog-watch')} title={watch.why}>
      <span className={cx('quiet')}>{label}</span>
      <State state={watch.verdict} title={watch.why} />
      <span className={cx('quiet')}>{watch.why}</span>
    </span>
  );
}

/** The state of a rule: as it was when it was last asked. */
function stateOf({ last }: IRuleState): string {
  if (!last) {
    return 'never';
  }
  return last.passed ? 'passed' : 'failed';
}

function columnsOf(dataset: IDataset, workbench: IWorkbench): IColumnSpec<IRuleState>[] {
  const { open, trans } = workbench;
  return [
    {
      key: 'state',
      head: trans.__('result'),
      width: 90,
      sort: stateOf,
      cell: state => <State state={stateOf(state)} title={state.last?.error} />
    },
    {
      key: 'rule',
      head: trans.__('rule'),
      wrap: true,
      sort: ({ rule }) => rule.rule,
      cell: ({ rule, last }) => (
        <>
          <span className={cx('strong-name')}>{rule.rule}</span>
          {rule.text !== rule.rule && <span className={cx('quiet')}> {rule.text}</span>}
          {last?.error && <span className={cx('tone-bad')}> {last.error}</span>}
        </>
      )
    },
    {
      key: 'severity',
      head: trans.__('if it fails'),
      width: 80,
      sort: ({ rule }) => rule.severity,
      cell: ({ rule }) => rule.severity
    },
    {
      key: 'failed',
      head: trans.__('rows that fail'),
      width: 96,
      figure: ({ last }) => last?.failed_rows ?? null,
      sort: ({ last }) => last?.failed_rows ?? null
    },
    {
      key: 'rows',
      head: trans.__('of'),
      width: 84,
      figure: ({ last }) => last?.rows ?? null
    },
    {
      key: 'at',
      head: trans.__('last run'),
      width: 84,
      sort: ({ history }) => history[0]?.at ?? null,
      cell: ({ history }) => <Age at={history[0]?.at ?? null} />
    },
    {
      key: 'history',
      head: trans.__('history'),
      width: 160,
      cell: ({ rule, history, results }) => (
        <span title={trans.__('%1 of %2 results', Math.min(DRAWN, history.length), results)}>
          <StateCells
            label={trans.__('Results of %1, oldest first', rule.rule)}
            cells={history
              .slice(0, DRAWN)
              .reverse()
              .map((past, index) => ({
                id: past.snapshot && !dataset.domain ? `${index}@${past.snapshot}` : String(index),
                state: past.passed ? 'passed' : 'failed',
                name: trans.__(
                  '%1, %2, %3 rows',
                  format.time(past.at),
                  past.by,
                  format.number(past.failed_rows ?? 0)
                )
              }))}
            onOpen={id => {
              const snapshot = id.split('@')[1];
              if (snapshot) {
                void open(formatRef('dataset', dataset.name, snapshot));
              }
            }}
          />
        </span>
      )
    },
    {
      key: 'remove',
      head: '',
      width: 90,
      sticky: true,
      cell: ({ rule }) => (
        <ActionButton
          command="mlinfra:catalog-remove-rule"
          target={dataset}
          args={{ rule: rule.rule }}
          label={trans.__('Remove')}
          kind="quiet"
        />
      )
    }
  ];
}

type Sample = Readonly<Record<string, unknown>>;

/** A rule that is not about rows has found a number. */
function foundBy({ rule, last }: IRuleState, trans: TranslationBundle): [string, string] {
  const sample = last?.sample ?? [];
  return last?.failed_rows == null
    ? [trans.__('What %1 has found', rule.rule), sample.map(values).join('; ')]
    : [
        trans.__('Rows that fail %1', rule.rule),
        trans.__('%1 of %2', sample.length, format.number(last.failed_rows))
      ];
}

const values = (row: Sample): string => Object.values(row).map(format.cell).join(', ');

/** Some of the rows that fail, by rule. */
function Samples({ rules }: { rules: readonly IRuleState[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const failed = rules.filter(({ last }) => last && last.sample.length > 0);
  return (
    <>
      {failed.slice(0, SAMPLES).map(state => {
        const [title, note] = foundBy(state, trans);
        return (
          <React.Fragment key={state.rule.rule}>
            <Heading title={title} note={note} />
            {state.last?.failed_rows != null && (
              <SampleTable label={title} sample={state.last.sample} />
            )}
          </React.Fragment>
        );
      })}
      {failed.length > SAMPLES && (
        <p className={cx('more')}>
          {trans._n('Rows fail %1 more rule', 'Rows fail %1 more rules', failed.length - SAMPLES)}
        </p>
      )}
    </>
  );
}

function SampleTable({
  label,
  sample
}: {
  label: string;
  sample: readonly Sample[];
}): React.ReactElement {
  const columns = Object.keys(sample[0] ?? {})
    .slice(0, COLUMNS)
    .map((key): IColumnSpec<[number, Sample]> => ({
      key,
      head: key,
      end: typeof sample[0]?.[key] === 'number',
      cell: ([, row]) => format.cell(row[key])
    }));
  return (
    <Table
      label={label}
      columns={columns}
      rows={sample.map((row, index): [number, Sample] => [index, row])}
      row={([index]) => ({ id: String(index) })}
    />
  );
}
