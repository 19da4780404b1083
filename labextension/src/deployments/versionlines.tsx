import '../../style/deployments.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDeployedVersion, IDeployment } from '../api/types';
import { cx } from '../components/cx';
import { BasisMark, type ISharedBasis, Num, SharedBasis, sharedBasis } from '../components/number';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { canaryOf } from './canary';
import { Copies } from './copies';
import { modelOf, seriesOf } from './series';
import { CanaryKpi } from './verdict';

/** A figure that each version has: its name and what all of them share are said in the heading. */
interface IFigure {
  key: 'requests_per_second' | 'p50_ms' | 'p95_ms' | 'error_fraction' | 'refused_fraction';
  name: string;
  write: (value: unknown) => string;
  basis: ISharedBasis | null;
}

function figuresOf(versions: readonly IDeployedVersion[], trans: TranslationBundle): IFigure[] {
  const milliseconds = (value: unknown): string => trans.__('%1 ms', format.number(value, 3));
  const share = (value: unknown): string => format.percent(value);
  const figure = (
    key: IFigure['key'],
    name: string,
    write: (value: unknown) => string
  ): IFigure => ({
    key,
    name,
    write,
    basis: sharedBasis(
      versions.map(version => version[key]),
      trans
    )
  });
  return [
    figure('requests_per_second', trans.__('requests'), value =>
      trans.__('%1/s', format.number(value, 3))
    ),
    figure('p50_ms', 'p50', milliseconds),
    figure('p95_ms', 'p95', milliseconds),
    figure('error_fraction', trans.__('errors'), share), // failed in the model
    figure('refused_fraction', trans.__('refused'), share) // because of what they asked
  ];
}

interface IVersionLinesProps {
  deployment: IDeployment;
  /** Whether the canary is judged by its KPI. */
  byKpi: boolean;
}

/** A line for each version: its share of the traffic, its rate, latency and errors. */
export function VersionLines({ deployment, byKpi }: IVersionLinesProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { name, versions } = deployment;
  const figures = figuresOf(versions, trans);
  const models = new Set(versions.map(modelOf)).size > 1;
  return (
    <div role="table" aria-label={name} className={cx(models && 'has-models')}>
      <Heads figures={figures} models={models} />
      {[...versions]
        .sort((a, b) => b.traffic - a.traffic)
        .map(version => (
          <React.Fragment key={version.version}>
            <VersionLine deployment={name} version={version} figures={figures} models={models} />
            {byKpi && version.version === canaryOf(deployment) && (
              <CanaryKpi deployment={deployment} />
            )}
          </React.Fragment>
        ))}
    </div>
  );
}

interface ILineProps {
  figures: readonly IFigure[];
  /** Whether the versions are of several models. */
  models: boolean;
}

function Heads({ figures, models }: ILineProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <div className={cx('deployments-version-line', 'deployments-heads')} role="row">
      <span role="columnheader">{trans.__('role')}</span>
      <span role="columnheader">{trans.__('version')}</span>
      <span role="columnheader" aria-colspan={2} className={cx('deployments-copies')}>
        {trans.__('traffic')}
      </span>
      <span role="columnheader">{trans.__('state')}</span>
      {figures.map(({ key, name, basis }) => (
        <span key={key} role="columnheader" className={cx('is-end', basis && 'deployments-marked')}>
          {name}
          {basis && <BasisMark {...basis} />}
        </span>
      ))}
      {models && <span role="columnheader">{trans.__('model')}</span>}
    </div>
  );
}

interface IVersionLineProps extends ILineProps {
  deployment: string;
  version: IDeployedVersion;
}

function VersionLine({
  deployment,
  version,
  figures,
  models
}: IVersionLineProps): React.ReactElement {
  return (
    <>
      <div
        className={cx('deployments-version-line', version.stale_since && 'is-stale')}
        role="row"
        data-version={version.version}
      >
        <span role="cell" className={cx('strong-name')}>
          {version.role || format.DASH}
        </span>
        <b role="cell">{version.version}</b>
        {version.role === 'shadow' ? (
          <Copies deployment={deployment} version={version} />
        ) : (
          <Share version={version} />
        )}
        <span role="cell">
          <State state={version.state} />
        </span>
        {figures.map(figure => (
          <Measured key={figure.key} version={version} figure={figure} />
        ))}
        {models && (
          <span role="cell" className={cx('quiet', 'deployments-model')} title={version.model}>
            {version.model.replace('models:/', '')}
          </span>
        )}
      </div>
      {version.reason && (
        <p className={cx('reason', 'deployments-version-reason')} data-reason={version.reason}>
          {version.reason}
        </p>
      )}
    </>
  );
}

interface IMeasuredProps {
  version: IDeployedVersion;
  figure: IFigure;
}

/** A figure of a version; where there is no room for headings, its name stands before it. */
function Measured({ version, figure }: IMeasuredProps): React.ReactElement {
  const { key, name, write, basis } = figure;
  const value = version[key];
  return (
    <span role="cell" className={cx('is-end')}>
      {value && (
        <SharedBasis.Provider value={basis?.mark ?? null}>
          <span className={cx('quiet', 'deployments-word')}>{name} </span>
          <Num value={value} format={write} />
        </SharedBasis.Provider>
      )}
    </span>
  );
}

function Share({ version }: { version: IDeployedVersion }): React.ReactElement {
  return (
    <>
      <span role="cell" className={cx('deployments-traffic-bar', `series-${seriesOf(version)}`)}>
        <span style={{ width: `${version.traffic}%` }} />
      </span>
      <span role="cell" className={cx('is-end', 'deployments-share')}>
        <Num value={version.traffic} format={value => `${format.number(value)} %`} strong />
      </span>
    </>
  );
}
