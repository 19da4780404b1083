import '../../style/deployments.css';

import React, { useEffect, useMemo, useState } from 'react';

import type { IDeployment, IDeploymentDetail } from '../api/types';
import { Age } from '../components/age';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IQuery } from '../hooks/query';
import { rate, staleSince } from './section';
import { seriesOf } from './series';
import { VersionLines } from './versionlines';
import { balanced, canChange, checkWeights, fieldsOf, shareOf, type Weights } from './weights';

interface ITrafficProps {
  deployment: IDeployment;
  query: IQuery<IDeploymentDetail>;
  /** Called with what stands in the fields; null where that is the traffic there is. */
  onEdit: (edited: IEditedTraffic | null) => void;
}

export interface IEditedTraffic {
  shares: Readonly<Record<string, number | string>>;
  /** Whether they make 100. */
  whole: boolean;
}

/**
 * The versions with their share of the traffic, and the editor that changes it: preview first, then
 * apply.
 */
export function Traffic({ deployment, query, onEdit }: ITrafficProps): React.ReactElement {
  const { trans } = useWorkbench();
  const stale = staleSince(deployment);
  // Without a KPI the server refuses the question.
  const byKpi = query.data?.plan?.goal === 'kpi';
  return (
    <>
      <VersionLines deployment={deployment} byKpi={byKpi} />
      {stale && (
        <p className={cx('more')} role="status">
          <Age at={stale} limit={0} />{' '}
          {trans.__(
            'Rates and latencies are those of %1: nothing was measured since. States and shares are those of now.',
            format.time(stale)
          )}
        </p>
      )}
      {canChange(deployment.versions) && (
        <TrafficEditor
          key={deployment.updated_at}
          deployment={deployment}
          query={query}
          onEdit={onEdit}
        />
      )}
    </>
  );
}

function TrafficEditor({ deployment, query, onEdit }: ITrafficProps): React.ReactElement {
  const { commands, trans } = useWorkbench();
  const { run, busy } = useAction();
  const [fields, setFields] = useState(() => fieldsOf(deployment.versions));
  const [preview, setPreview] = useState<Weights | null>(null);
  const [reason, setReason] = useState('');
  const { weights, sum } = useMemo(() => checkWeights(fields), [fields]);
  const now = Object.fromEntries(
    deployment.versions.map(version => [version.version, version.traffic])
  );
  const touched = Object.entries(fields).some(([version, text]) => shareOf(text) !== now[version]);
  const changed = weights !== null && touched;
  useEffect(() => {
    onEdit(touched ? { shares: weights ?? fields, whole: weights !== null } : null);
    return () => onEdit(null);
  }, [fields, touched, weights, onEdit]);

  const apply = async (next: Weights, why: string): Promise<void> => {
    const args = { ref: deployment.ref, weights: { ...next }, reason: why };
    await run(async () => {
      if (await commands.execute('mlinfra:deployments-change-traffic', args)) {
        setPreview(null);
        await query.refresh();
      }
    });
  };

  return (
    <div
      className={cx('deployments-traffic-editor')}
      role="group"
      aria-label={trans.__('Change the traffic')}
    >
      <div className={cx('bar')}>
        <span>{trans.__('Traffic')}</span>
        {deployment.versions
          .filter(version => version.version in fields)
          .map(version => (
            <span key={version.version} className={cx('field', `series-${seriesOf(version)}`)}>
              <span className={cx('swatch')} />
              <Field
                label={version.version}
                type="number"
                min={0}
                max={100}
                width={56}
                unit="%"
                value={fields[version.version] ?? ''}
                fault={
                  shareOf(fields[version.version] ?? '') === null
                    ? trans.__('a whole number from 0 to 100')
                    : undefined
                }
                onChange={text => {
                  setPreview(null);
                  setFields(balanced(fields, version.version, text));
                }}
              />
            </span>
          ))}
        <SharesBar deployment={deployment} fields={fields} />
        {sum !== 100 && (
          <span className={cx('tone-bad')}>
            {trans.__('together %1 %, not 100 %', format.number(sum))}
          </span>
        )}
        {!preview && (
          <Button
            label={trans.__('Preview Change')}
            disabled={!changed}
            onClick={() => setPreview(weights)}
          />
        )}
      </div>
      {preview && (
        <div className={cx('bar', 'deployments-preview')} role="status">
          <span>{trans.__('becomes %1', expected(deployment, preview))}</span>
          <Field label={trans.__('reason')} value={reason} width={220} onChange={setReason} />
          <Button
            kind="primary"
            label={trans.__('Apply')}
            disabled={busy}
            onClick={() => void apply(preview, reason)}
          />
          <Button
            label={trans.__('Discard')}
            onClick={() => {
              setPreview(null);
              setFields(fieldsOf(deployment.versions));
            }}
          />
        </div>
      )}
    </div>
  );
}

/** What each version would get, in requests a second if there is a rate. */
function expected(deployment: IDeployment, weights: Weights): string {
  const all = staleSince(deployment) ? 0 : Number(rate(deployment)?.value ?? 0);
  return Object.entries(weights)
    .map(([version, value]) =>
      all > 0
        ? `${version} ${value} % ≈ ${format.number((all * value) / 100, 3)}/s`
        : `${version} ${value} %`
    )
    .join(', ');
}

function SharesBar({
  deployment,
  fields
}: {
  deployment: IDeployment;
  fields: Readonly<Record<string, string>>;
}): React.ReactElement {
  return (
    <span className={cx('deployments-shares')} aria-hidden="true">
      {deployment.versions.map(version => (
        <span
          key={version.version}
          className={cx(`series-${seriesOf(version)}`)}
          style={{ width: `${Math.min(100, Math.max(0, Number(fields[version.version]) || 0))}%` }}
        />
      ))}
    </span>
  );
}
