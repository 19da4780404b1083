import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { kinds } from '../kinds';
import { kindOf } from '../refs';
import type { ICommandSpec, IWorkbench } from '../tokens';
import type * as Generic from './generic';

type Args = ReadonlyPartialJSONObject;
type Verb = (workbench: IWorkbench, args: Args) => unknown;

/** What can be done with every object: rows of all lists offer it. */
export function addGeneric(workbench: IWorkbench): void {
  const { trans, pointer, commands } = workbench;
  const generic = (): Promise<typeof Generic> => import('./generic');
  const refOf = (args?: Args): string | undefined =>
    typeof args?.ref === 'string' ? args.ref : pointer.refs(args)[0];
  const row = (): HTMLElement | null | undefined =>
    pointer.node?.closest<HTMLElement>('[data-row]');
  const isRemovable = (): boolean => row()?.dataset.removable !== undefined;
  const removal = (ref = ''): string => kinds.get(kindOf(ref))?.remove ?? '';
  const hasCode = (ref: string | undefined): boolean =>
    (ref !== undefined && kinds.get(kindOf(ref))?.code === true) || pointer.frame?.code() != null;
  const verb = verbs(workbench, refOf);
  const selected = (ref: string | undefined): boolean => ref !== undefined;
  const select = trans.__('Select a row of a list first.');
  const specs = [
    verb(
      'insert',
      trans.__('Insert Code'),
      trans.__('Its code in a new cell below'),
      'code',
      () => generic().then(({ insert }) => insert),
      hasCode,
      trans.__('The selection has no code.')
    ),
    verb(
      'insert-at-cursor',
      trans.__('Insert Code at the Cursor'),
      trans.__('Its code at the cursor of the notebook'),
      'code',
      () => generic().then(({ insertAtCursor }) => insertAtCursor),
      hasCode,
      trans.__('The selection has no code.')
    ),
    verb(
      'copy-code',
      trans.__('Copy Code'),
      trans.__('Its code, to be pasted'),
      'copy',
      () => generic().then(({ copyCode }) => copyCode),
      hasCode,
      trans.__('The selection has no code.')
    ),
    verb(
      'copy-ref',
      trans.__('Copy Reference'),
      trans.__('Its reference: KIND:NAME'),
      'copy',
      () => generic().then(({ copyReference }) => copyReference),
      selected,
      select
    ),
    verb(
      'copy-row',
      trans.__('Copy Row'),
      trans.__('The text of the row, with tabs between its cells'),
      'copy',
      () => generic().then(({ copyRow }) => copyRow),
      () => row() != null,
      select
    ),
    verb(
      'pin',
      trans.__('Pin or Unpin'),
      trans.__('Keep it at the top of its panel, or remove it from there'),
      'pin',
      () => generic().then(({ pin }) => pin),
      selected,
      select
    ),
    verb(
      'delete',
      args =>
        typeof args.ref !== 'string' && isRemovable()
          ? trans.__('Remove from the List')
          : trans.__('Delete'),
      trans.__('Delete or remove it; if that cannot be undone, you are asked first'),
      'close',
      () => generic().then(({ remove }) => remove),
      ref =>
        isRemovable() ||
        (commands.hasCommand(removal(ref)) && commands.isEnabled(removal(ref), { ref })),
      trans.__('The selection cannot be deleted here.')
    )
  ];
  specs.forEach(workbench.addCommand);
}

type MakeVerb = (
  name: string,
  label: ICommandSpec['label'],
  caption: string,
  icon: ICommandSpec['icon'],
  load: () => Promise<Verb>,
  can: (ref: string | undefined) => boolean,
  reason: string
) => ICommandSpec;

/** Makes commands on the current object; `can` says whether it is possible, `reason` why not. */
function verbs(workbench: IWorkbench, refOf: (args?: Args) => string | undefined): MakeVerb {
  const { trans } = workbench;
  return (name, label, caption, icon, load, can, reason) => ({
    id: `mlinfra:workbench-${name}`,
    label,
    caption: args => (can(refOf(args)) ? caption : `${caption}. ${reason}`),
    icon,
    category: trans.__('ML: Workbench'),
    args: {
      ref: {
        type: 'string',
        description: trans.__('The reference of the object; the selected rows without it')
      }
    },
    isEnabled: args => can(refOf(args)),
    execute: async args => (await load())(workbench, args)
  });
}
