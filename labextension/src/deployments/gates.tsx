import '../../style/deployments.css';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDeployedVersion, IDeployment } from '../api/types';
import { ApiError } from '../api/errors';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { deployAgain } from './again';
import { canAnswer, failedGates, stopped } from './stopped';

interface IGatesProps {
  deployment: IDeployment;
  /** A line for each test; its limit, and what does not fit, is said when pointed at. */
  brief?: boolean;
}

/** The tests that each version went through before it got traffic. */
export function Gates({ deployment, brief = false }: IGatesProps): React.ReactElement {
  const { trans } = useWorkbench();
  const tested = deployment.versions.filter(version => version.gates.length > 0);
  const names = [...new Set(tested.flatMap(version => version.gates.map(gate => gate.name)))];
  const columns: IColumnSpec<string>[] = [
    {
      key: 'gate',
      head: trans.__('test'),
      width: 120,
      cell: name => <span title={limitOf(tested, name)}>{name}</span>
    },
    ...(brief ? [] : [limitColumn(tested, trans)]),
    ...tested.map((version): IColumnSpec<string> => ({
      key: version.version,
      head: version.version,
      wrap: !brief,
      cell: name => <Measured version={version} name={name} brief={brief} />
    }))
  ];
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Tests before traffic')}
        note={brief && names.length > 0 && trans.__('their limits are in the tab Tests')}
      />
      {names.length ? (
        <Table
          label={trans.__('Tests before traffic')}
          columns={columns}
          rows={names}
          row={name => ({ id: name })}
        />
      ) : (
        <p className={cx('more')}>{trans.__('No version has been tested yet.')}</p>
      )}
      {stopped(deployment).map(version => (
        <Stopped key={version.version} deployment={deployment} version={version} />
      ))}
    </section>
  );
}

const limitColumn = (
  tested: readonly IDeployedVersion[],
  trans: TranslationBundle
): IColumnSpec<string> => ({
  key: 'limit',
  head: trans.__('limit'),
  width: 180,
  wrap: true,
  cell: name => <span className={cx('quiet')}>{limitOf(tested, name)}</span>
});

interface IStoppedProps {
  deployment: IDeployment;
  version: IDeployedVersion;
}

/** Why a version may not take traffic, and the way past the test, which needs a reason. */
function Stopped({ deployment, version }: IStoppedProps): React.ReactElement {
  const { trans } = useWorkbench();
  const answers = canAnswer(version);
  const why = failedGates(version)
    .map(({ name, limit, measured }) =>
      trans.__('%1: measured %2, limit %3', name, measured || format.DASH, limit)
    )
    .join('; ');
  return (
    <ErrorCard
      error={
        new ApiError(
          'unprocessable',
          trans.__('%1 may not take traffic', version.version),
          why,
          answers
            ? trans.__(
                'Correct the model and register a new version. An override needs a reason, which stays in the history.'
              )
            : trans.__('Correct it, then deploy again.')
        )
      }
    >
      {answers && (
        <ActionButton
          command="mlinfra:deployments-override"
          target={deployment}
          args={{ version: version.version }}
          label={trans.__('Override…')}
        />
      )}
      {!answers && <Again deployment={deployment} version={version} />}
      {logOf(version) && (
        <details className={cx('deployments-log')}>
          <summary>{trans.__('Last lines of its log')}</summary>
          <pre>{logOf(version)}</pre>
        </details>
      )}
    </ErrorCard>
  );
}

/** What the failed steps of a version have printed. */
const logOf = (version: IDeployedVersion): string =>
  failedGates(version)
    .map(({ log }) => log)
    .filter(Boolean)
    .join('\n');

/** The same deploy once more, as a job whose page opens. */
function Again({ deployment, version }: IStoppedProps): React.ReactElement {
  const { client, open, trans } = useWorkbench();
  const { run, busy } = useAction();
  const unbuilt = failedGates(version).some(({ name }) => name === 'environment');
  return (
    <Button
      kind="primary"
      label={unbuilt ? trans.__('Build Its Environment') : trans.__('Try Again')}
      caption={trans.__('Deploy it again, as a job')}
      disabled={busy}
      onClick={() =>
        void run(async () => {
          const { ref } = await deployAgain(client, deployment.name, version);
          await open(ref);
        })
      }
    />
  );
}

const limitOf = (versions: readonly IDeployedVersion[], name: string): string =>
  versions.flatMap(version => version.gates).find(gate => gate.name === name)?.limit ?? '';

/** null: nothing could be measured. */
const stateOf = (passed: boolean | null): string =>
  passed === null ? 'no_data' : passed ? 'passed' : 'failed';

interface IMeasuredProps {
  version: IDeployedVersion;
  name: string;
  brief: boolean;
}

function Measured({ version, name, brief }: IMeasuredProps): React.ReactElement {
  const gate = version.gates.find(item => item.name === name);
  if (!gate) {
    return <>{format.DASH}</>;
  }
  const measured = brief ? gate.measured.split(/[,;] /)[0] : gate.measured;
  return (
    <State state={stateOf(gate.passed)} title={brief ? gate.measured : undefined}>
      {measured ? <span className={cx(brief && 'deployments-brief')}>{measured}</span> : undefined}
    </State>
  );
}
