import '../../style/deployments.css';

import React from 'react';

import type { IDeliveryPlan, IDeployment } from '../api/types';
import { ActionButton } from '../components/action';
import { cx } from '../components/cx';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

const ACTIVE = ['running', 'paused'];

type Check = IDeliveryPlan['checks'][number];

interface IPlanProps {
  deployment: IDeployment;
  plan: IDeliveryPlan;
}

/** The last plan by which a version comes to its traffic: its steps, and what they are judged by. */
export function Plan({ deployment, plan }: IPlanProps): React.ReactElement {
  const { trans } = useWorkbench();
  const active = ACTIVE.includes(plan.state);
  return (
    <section className={cx('split')} aria-label={trans.__('Plan of %1', plan.version)}>
      <div className={cx('bar')}>
        <b>
          {plan.against
            ? trans.__('Plan: %1 in place of %2', plan.version, plan.against)
            : trans.__('Plan: %1', plan.version)}
        </b>
        <State state={plan.state} />
        <Steps plan={plan} />
        {active && <Hold deployment={deployment} plan={plan} />}
      </div>
      {plan.waits_for && (
        <p className={cx('reason', 'deployments-plan-reason')} data-reason={plan.waits_for}>
          {plan.waits_for}
        </p>
      )}
      {plan.checks.length > 0 && (
        <Table
          label={trans.__('Checks of the plan')}
          columns={columnsOf(trans)}
          rows={plan.checks}
          row={check => ({ id: check.name })}
        />
      )}
    </section>
  );
}

/** `5 % → 25 % → 100 %`, the present one marked, and when the next one may come. */
function Steps({ plan }: { plan: IDeliveryPlan }): React.ReactElement {
  const { trans } = useWorkbench();
  const active = ACTIVE.includes(plan.state);
  const waits = plan.state === 'running' && format.secondsSince(plan.next_at ?? '') < 0;
  return (
    <>
      <ol className={cx('deployments-steps')} aria-label={trans.__('Steps')}>
        {plan.steps.map((step, index) => (
          <li key={step} aria-current={active && index + 1 === plan.step ? 'step' : undefined}>
            {trans.__('%1 %', step)}
          </li>
        ))}
      </ol>
      {waits && (
        <span className={cx('quiet')}>
          {trans.__('goes on at %1 at the earliest', format.time(plan.next_at))}
        </span>
      )}
    </>
  );
}

/** Hold the plan, or let it go on; to go back there is Roll Back. */
function Hold({ deployment, plan }: IPlanProps): React.ReactElement {
  const { trans } = useWorkbench();
  return plan.state === 'running' ? (
    <ActionButton
      command="mlinfra:deployments-pause-plan"
      target={deployment}
      label={trans.__('Pause')}
      busyLabel={trans.__('Pausing…')}
    />
  ) : (
    <ActionButton
      command="mlinfra:deployments-resume-plan"
      target={deployment}
      label={trans.__('Resume')}
      busyLabel={trans.__('Resuming…')}
    />
  );
}

const columnsOf = (trans: ReturnType<typeof useWorkbench>['trans']): IColumnSpec<Check>[] => [
  { key: 'name', head: trans.__('check'), width: 120, cell: check => check.name },
  {
    key: 'outcome',
    head: trans.__('verdict'),
    width: 100,
    cell: ({ passed }) =>
      passed === null ? (
        <State state="waiting">{trans.__('waits')}</State>
      ) : (
        <State state={passed ? 'passed' : 'failed'}>
          {passed ? trans.__('kept') : trans.__('breached')}
        </State>
      )
  },
  {
    key: 'measured',
    head: trans.__('measured'),
    wrap: true,
    cell: check => check.measured || format.DASH
  },
  { key: 'limit', head: trans.__('limit'), wrap: true, cell: check => check.limit || format.DASH }
];
