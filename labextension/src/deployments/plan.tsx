import '../../style/deployments.css';

import React from 'react';

import type { IDeliveryPlan, IDeploymentDetail } from '../api/types';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IQuery } from '../hooks/query';

const ACTIVE = ['running', 'paused'];

type Check = IDeliveryPlan['checks'][number];

interface IPlanProps {
  plan: IDeliveryPlan;
  query: IQuery<IDeploymentDetail>;
}

/** The last plan by which a version comes to its traffic: its steps, and what they are judged by. */
export function Plan({ plan, query }: IPlanProps): React.ReactElement {
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
        {active && <Hold plan={plan} query={query} />}
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
function Hold({ plan, query }: IPlanProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { run, busy } = useAction();
  const { deployment, state } = plan;
  const act = (doing: () => Promise<unknown>): void =>
    void run(async () => {
      await doing();
      await query.refresh();
    });
  return state === 'running' ? (
    <Button
      label={busy ? trans.__('Pausing…') : trans.__('Pause')}
      caption={trans.__('Hold the plan; a breach rolls it back nevertheless')}
      disabled={busy}
      onClick={() => act(() => client.deployments.pause(deployment))}
    />
  ) : (
    <Button
      label={busy ? trans.__('Resuming…') : trans.__('Resume')}
      caption={trans.__('The present step begins again')}
      disabled={busy}
      onClick={() => act(() => client.deployments.resume(deployment))}
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
