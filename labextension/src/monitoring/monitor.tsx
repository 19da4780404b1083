import '../../style/monitoring.css';

import React, { useState } from 'react';

import type { IPart } from '../api/monitoring';
import type {
  IAlert,
  IFeatureDrift,
  IHeatMap,
  IMonitorFigures,
  IMonitorStatus
} from '../api/types';
import { ActionButton } from '../components/action';
import { Button, Link } from '../components/button';
import { EmptyCard, Result, WaitingCard } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { Field } from '../components/field';
import { Facts, Heading, InsertButton, PageHeader } from '../components/header';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { Select } from '../components/select';
import { State } from '../components/state';
import * as format from '../format';
import { useCode } from '../hooks/code';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { type IQuery, useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import { formatRef } from '../refs';
import type { IPageProps } from '../tokens';
import { AlertCard } from './alertcard';
import { Cause } from './cause';
import { Distribution } from './distribution';
import { DriftTable } from './drifttable';
import { distributionCall, HeatGrid, type ICell, Legend } from './heatmap';
import { groupsOf, loudOf, Quiet } from './quiet';
import { Tiles } from './tiles';
import { Timeline } from './timeline';

const FEATURES_SHOWN = 50;
const USUAL = 86_400;
const USUAL_LIMIT = 0.2;
/** Seconds, up to now. */
const WINDOWS = [3_600, 21_600, 86_400, 604_800, 2_592_000];

/** The page of a monitor: live requests against the training data. */
export default function MonitorPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const [since, setSince] = useMemory<number | null>(`since:${reference}`, null);
  const [version, setVersion] = useState('');
  const [segment, setSegment] = useState('');
  const part: IPart = {
    ...(since && { since }),
    ...(version && { version }),
    ...(segment && { segment })
  };
  const key = `${since}:${version}:${segment}`;
  const asks = { topics: ['monitor', 'alert'], about: reference } as const;
  const query = useQuery(
    `${reference}:${since}`,
    signal => client.monitoring.status(name, since ? { since } : {}, signal),
    { ...asks, topics: [...asks.topics], list: reference }
  );
  const figures = useQuery(
    `figures ${reference}:${key}`,
    signal => client.monitoring.figures(name, part, signal),
    { ...asks, topics: [...asks.topics], list: `figures ${reference}` }
  );
  const [words, setWords] = useState('');
  const settled = useSettled(words.trim(), 200);
  const heat = useQuery(
    `heat ${reference}:${key}:${settled}`,
    signal =>
      client.monitoring.heat(name, { ...part, words: settled, limit: FEATURES_SHOWN }, signal),
    { ...asks, topics: [...asks.topics], list: `heat ${reference}` }
  );
  const monitor = query.data?.monitor;
  return (
    <>
      <PageHeader
        icon="monitor"
        title={trans.__('monitor %1', name)}
        reference={reference}
        mark={monitor && <State state={monitor.state} tag />}
      >
        <Window since={since} onSince={setSince} />
        <Switch
          label={trans.__('Segment')}
          all={trans.__('all rows')}
          value={segment}
          values={heat.data?.segments ?? []}
          onChange={setSegment}
        />
        <Switch
          label={trans.__('Version')}
          all={heat.data && !version ? heat.data.version : trans.__('most traffic')}
          value={version}
          values={heat.data?.versions ?? []}
          onChange={setVersion}
        />
        <Button
          label={trans.__('Rules')}
          caption={trans.__('The rules of this monitor: change them, try them on its history')}
          onClick={() => void open(formatRef('rules', name))}
        />
        <ActionButton
          command="mlinfra:monitors-evaluate"
          args={{ ref: reference }}
          label={trans.__('Evaluate Now')}
          busyLabel={trans.__('Evaluating…')}
        />
        <InsertButton code={query.data?.code.python} />
      </PageHeader>
      <Result query={query}>
        {status => (
          <Monitor
            status={status}
            figures={figures}
            heat={heat}
            part={part}
            words={words}
            onWords={setWords}
          />
        )}
      </Result>
    </>
  );
}

function Window({
  since,
  onSince
}: {
  since: number | null;
  onSince: (since: number | null) => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Select
      bare
      label={trans.__('Window')}
      value={String(since ?? '')}
      options={[
        { value: '', label: trans.__('its own window') },
        ...WINDOWS.map(seconds => ({ value: String(seconds), label: format.span(seconds) }))
      ]}
      onChange={seconds => onSince(seconds ? Number(seconds) : null)}
    />
  );
}

/** A choice among what there is; nothing where there is no choice. */
function Switch({
  label,
  all,
  value,
  values,
  onChange
}: {
  label: string;
  /** Of no choice. */
  all: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}): React.ReactElement | null {
  if (!values.length) {
    return null;
  }
  return (
    <Select
      bare
      label={label}
      value={value}
      options={[
        { value: '', label: all },
        ...values.filter(item => item !== all).map(item => ({ value: item, label: item }))
      ]}
      onChange={onChange}
    />
  );
}

interface IMonitorProps {
  status: IMonitorStatus;
  figures: IQuery<IMonitorFigures>;
  heat: IQuery<IHeatMap>;
  part: IPart;
  words: string;
  onWords: (words: string) => void;
}

function Monitor({ status, figures, heat, part, ...search }: IMonitorProps): React.ReactElement {
  const [cell, choose] = useState<ICell | null>(null);
  /** The feature that was traced: it stays when another one becomes the worst. */
  const [traced, trace] = useState<string | null>(null);
  const { trans } = useWorkbench();
  const { name } = status.monitor;
  const { code } = useCode(cell && distributionCall(name, cell, part));
  const feature = cell?.feature ?? traced ?? driftOf(status, null)?.feature;
  const end = new Date().toISOString();
  const start =
    status.window_start ?? new Date(Date.parse(end) - (part.since ?? USUAL) * 1000).toISOString();
  return (
    <>
      <MonitorFacts status={status} figures={figures.data} />
      <Tiles status={status} figures={figures.data} />
      <div className={cx('scroll')}>
        <AlertCards alerts={status.alerts} />
        {!status.reference && status.trouble ? (
          <NoReference status={status} />
        ) : (
          <Features
            status={status}
            figures={figures.data}
            heat={heat}
            part={part}
            cell={cell}
            onCell={choose}
            {...search}
          />
        )}
        <Timeline
          deployment={status.monitor.deployment}
          alerts={status.alerts}
          start={heat.data?.starts[0] ?? start}
          end={end}
        />
        <div className={cx('monitoring-sides')}>
          <Chosen status={status} part={part} cell={cell} />
          {status.score && <Distribution drift={status.score} title={trans.__('score')} />}
        </div>
        {feature && (
          <Cause
            monitor={name}
            feature={feature}
            version={part.version}
            onAsk={() => trace(feature)}
          />
        )}
      </div>
      <CodeDrawer code={code ?? status.code} />
    </>
  );
}

/** The alerts that ask for attention: of many of a rule the first, with the names of the others. */
function AlertCards({ alerts }: { alerts: readonly IAlert[] }): React.ReactElement {
  return (
    <>
      {groupsOf(loudOf(alerts)).map(({ id, alert, others }) => (
        <AlertCard key={id} alert={alert} others={others} />
      ))}
      <Quiet alerts={alerts} />
    </>
  );
}

function MonitorFacts({
  status,
  figures
}: {
  status: IMonitorStatus;
  figures: IMonitorFigures | undefined;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { deployment } = status.monitor;
  return (
    <Facts>
      <>
        {trans.__('deployment')} <RefLink reference={formatRef('deployment', deployment)} />
      </>
      <>
        {trans.__('reference')}{' '}
        {status.reference ? <RefLink reference={status.reference} /> : <b>{trans.__('none')}</b>}
      </>
      {status.window_start && (
        <>{trans.__('window %1 to %2', ...format.ends(status.window_start, status.window_end))}</>
      )}
      {Object.entries(status.versions).map(([version, rows]) => (
        <React.Fragment key={version}>
          {version} <Num value={rows} format={format.compact} unit={trans.__('rows')} />
        </React.Fragment>
      ))}
      {status.dropped > 0 && (
        <State state="pending">
          {trans._n(
            '%1 request left out of the log',
            '%1 requests left out of the log',
            status.dropped
          )}
        </State>
      )}
      {(figures?.problems ?? []).map(problem => (
        <State key={problem} state="pending">
          {problem}
        </State>
      ))}
    </Facts>
  );
}

/** Without a reference nothing can be compared: one button makes it. */
function NoReference({ status }: { status: IMonitorStatus }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <WaitingCard
      title={trans.__('There is no reference')}
      reason={status.trouble}
      note={trans.__(
        'A reference holds what the model saw in training: bins and counts, no rows. It is made of the training data that its run has named.'
      )}
    >
      <ActionButton
        kind="primary"
        command="mlinfra:monitors-reference"
        target={status.monitor}
        label={trans.__('Build from the Training Data')}
        busyLabel={trans.__('Starting…')}
      />
    </WaitingCard>
  );
}

interface IFeaturesProps extends Omit<IMonitorProps, 'figures'> {
  figures: IMonitorFigures | undefined;
  cell: ICell | null;
  onCell: (cell: ICell) => void;
}

function Features(props: IFeaturesProps): React.ReactElement {
  const { status, figures, heat, part, cell, onCell, words, onWords } = props;
  const { trans } = useWorkbench();
  const [asTable, setAsTable] = useMemory('monitor:heat-table', false);
  const drift = driftOf(status, cell);
  const limit = status.alerts.find(({ name }) => name === 'drift')?.threshold ?? USUAL_LIMIT;
  const choose = (feature: string): void => {
    const [start, end] = [status.window_start, status.window_end];
    onCell({ feature, start: start ?? '', end: end ?? '' });
  };
  if (!status.drift.length && !heat.data?.rows.length && !words) {
    return (
      <EmptyCard
        sentence={
          status.trouble ||
          trans.__('No request has been logged in this window, so there is nothing to compare.')
        }
      />
    );
  }
  return (
    <>
      <Heading
        title={trans.__('Feature × time')}
        note={trans.__(
          'PSI against the training data, %1 · %2 of %3 features, suspects first',
          heat.data?.version ?? '',
          heat.data?.shown ?? status.drift.length,
          heat.data?.total ?? status.features
        )}
      >
        {!asTable && <Legend />}
        <Field label={trans.__('find')} value={words} width={110} onChange={onWords} />
        <Link onClick={() => setAsTable(!asTable)}>
          {asTable ? trans.__('as map') : trans.__('as table')}
        </Link>
      </Heading>
      {asTable ? (
        <DriftTable status={status} current={drift?.feature} words={words} onChoose={choose} />
      ) : (
        <Result query={heat}>
          {found => (
            <HeatGrid
              monitor={status.monitor.name}
              part={part}
              heat={found}
              figures={figures}
              limit={limit}
              chosen={cell}
              onChoose={onCell}
            />
          )}
        </Result>
      )}
    </>
  );
}

/** The whole window of the feature that was chosen, else of the one that moved most. */
const driftOf = ({ drift }: IMonitorStatus, cell: ICell | null): IFeatureDrift | undefined =>
  drift.find(({ feature }) => feature === cell?.feature) ?? drift[0];

/** The distribution of the cell that was chosen, else that of the most suspect feature. */
function Chosen({
  status,
  part,
  cell
}: Pick<IFeaturesProps, 'status' | 'part' | 'cell'>): React.ReactElement | null {
  const { client } = useWorkbench();
  const { name } = status.monitor;
  const drift = driftOf(status, cell);
  const { start, end, feature } = cell ?? {};
  const query = useQuery(
    `distribution ${name} ${JSON.stringify([cell, part])}`,
    signal =>
      client.monitoring.distribution(
        name,
        {
          feature: feature ?? '',
          start: start ?? '',
          ...(end && { end }),
          ...(part.version && { version: part.version }),
          ...(part.segment && { segment: part.segment })
        },
        signal
      ),
    { when: Boolean(start), every: () => null, list: `distribution ${name}` }
  );
  if (!cell?.start) {
    return drift ? <Distribution drift={drift} /> : null;
  }
  return (
    <Result query={query} rows={2}>
      {found => <Distribution drift={found} span={format.ends(cell.start, cell.end).join(' – ')} />}
    </Result>
  );
}
