import { kinds } from '../kinds';
import { nameOfSeen } from '../names';
import { kindOf, nameOf } from '../refs';
import { useWorkbench } from './context';
import { useQuery } from './query';

/** The name of an object; that of a run or job is asked for, and until then it is a short id. */
export function useName(reference: string): string {
  const workbench = useWorkbench();
  const describe = kinds.get(kindOf(reference))?.describe;
  const { data } = useQuery(
    describe ? reference : `name:${reference}`, // what its page asks too
    async signal => describe?.(workbench.client, nameOf(reference), signal),
    // one that is deleted keeps its short id
    { every: () => null, when: describe !== undefined, final: ['not_found'] }
  );
  const name = data?.name ?? '';
  return name === '' ? nameOfSeen(workbench, reference) : name;
}
