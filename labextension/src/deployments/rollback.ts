import type { IDeploymentDetail } from '../api/types';
import { done } from '../components/confirm';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import type { IQuery } from '../hooks/query';
import { weightsOf, words } from './weights';

/** Roll a deployment back at once; the word that it was done offers the traffic before. */
export function useRollback(query: IQuery<IDeploymentDetail>): {
  busy: boolean;
  rollback: () => void;
} {
  const { client, trans } = useWorkbench();
  const { run, busy } = useAction();
  const deployment = query.data?.deployment;
  const rollback = async (): Promise<void> => {
    if (!deployment) {
      return;
    }
    const { name, versions } = deployment;
    const before = weightsOf(versions);
    let after = before;
    const roll = async (): Promise<void> => {
      after = weightsOf((await client.deployments.rollback(name)).versions);
    };
    if (await run(roll)) {
      const undo = (): void =>
        void run(() =>
          client.deployments.traffic(name, before, trans.__('undo')).then(query.refresh)
        );
      done(trans.__('%1 is back at %2; it was at %3.', name, words(after), words(before)), trans, {
        label: trans.__('Undo'),
        run: undo
      });
      await query.refresh();
    }
  };
  return { busy, rollback: () => void rollback() };
}
