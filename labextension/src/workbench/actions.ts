import { Notification } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { DisposableSet, type IDisposable } from '@lumino/disposable';

import { labIcon } from '../components/labicon';
import { kindOf } from '../refs';
import type { IActionSpec, ICommandSpec, IWorkbench } from '../tokens';

type Args = ReadonlyPartialJSONObject;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value ? value : undefined;

/** Adds commands with what they need: their object, why they are disabled, their undo. */
export class Actions {
  constructor(private readonly _workbench: IWorkbench) {}

  /** A verb on objects of some kinds, or one that an open page does itself. */
  add(spec: IActionSpec): IDisposable {
    const { commands, trans } = this._workbench;
    const added = new DisposableSet();
    const { id, label, icon, caption, kinds } = spec;
    added.add(
      commands.addCommand(id, {
        label: args => (typeof label === 'string' ? label : label(this._item(spec, args))),
        caption: args => {
          const reason = this._reason(spec, args);
          return reason ? `${caption}. ${reason}` : caption;
        },
        icon: icon && labIcon(icon),
        describedBy: {
          args: {
            type: 'object',
            properties: {
              ...(kinds && {
                ref: {
                  type: 'string',
                  description: trans.__(
                    'The reference of the object; the selected row or the open page without it'
                  )
                }
              }),
              ...spec.args
            }
          }
        },
        isEnabled: args => this._reason(spec, args) === null,
        isVisible: args => !spec.hidden?.(this._item(spec, args)),
        execute: args => this._execute(spec, args)
      })
    );
    return added;
  }

  /** A command of its own making. */
  addCommand(spec: ICommandSpec): IDisposable {
    const { id, label, caption, icon, args = {}, isEnabled, isVisible, isToggled, execute } = spec;
    return this._workbench.commands.addCommand(id, {
      label,
      caption,
      icon: icon && labIcon(icon),
      describedBy: { args: { type: 'object', properties: args } },
      isEnabled: isEnabled && (values => isEnabled(values)),
      isVisible: isVisible && (values => isVisible(values)),
      isToggled: isToggled && (() => isToggled()),
      execute: values => execute(values)
    });
  }

  /** The object to act on: the one in the arguments, else the nearest of a fitting kind. */
  private _ref({ kinds }: IActionSpec, args: Args): string | undefined {
    const named = text(args.ref);
    return named ?? this._workbench.pointer.refs(args).find(ref => kinds?.includes(kindOf(ref)));
  }

  private _item(spec: IActionSpec, args: Args): object | undefined {
    const ref = this._ref(spec, args);
    return ref === undefined || this._unfit(spec, ref) ? undefined : this._workbench.seen.of(ref);
  }

  /** Why a verb cannot be done with an object of that kind; null when it can. */
  private _unfit({ kinds }: IActionSpec, ref: string): string | null {
    const { trans } = this._workbench;
    return !kinds || kinds.includes(kindOf(ref))
      ? null
      : trans.__('It does not apply to this kind of object.');
  }

  /** What is done once at a time: a verb on an object, whoever calls it. */
  private _key(spec: IActionSpec, args: Args): string {
    const own = Object.keys(spec.args ?? {}).map(name => args[name] ?? null);
    return JSON.stringify([spec.id, this._ref(spec, args) ?? '', own]);
  }

  /** What the page in use does for a command, or the one in front. */
  private _inPage({ id }: IActionSpec): (() => void) | undefined {
    const { frame, front } = this._workbench.pointer;
    return frame?.verb(id) ?? front?.verb(id);
  }

  /** Why it cannot be done now; null when it can. */
  private _reason(spec: IActionSpec, args: Args): string | null {
    const { trans } = this._workbench;
    if (this._busy.has(this._key(spec, args))) {
      return trans.__('It is being done.');
    }
    if (spec.inPage) {
      return this._inPage(spec) ? null : spec.inPage;
    }
    const ref = this._ref(spec, args);
    if (ref === undefined) {
      return spec.asksWhich ? null : trans.__('Select one in a list, or open its page.');
    }
    const unfit = this._unfit(spec, ref);
    if (unfit) {
      return unfit;
    }
    const item = this._workbench.seen.of(ref);
    return (item && spec.blocked?.(item)) ?? null;
  }

  /** Says whether it was done. */
  private async _execute(spec: IActionSpec, args: Args): Promise<boolean> {
    if (spec.inPage) {
      this._inPage(spec)?.();
      return true;
    }
    const ref = this._ref(spec, args) ?? (spec.asksWhich ? '' : undefined);
    const busy = this._key(spec, args);
    if (ref === undefined || this._busy.has(busy)) {
      return false; // a second press before the button has been drawn as disabled
    }
    const unfit = ref && this._unfit(spec, ref);
    if (unfit) {
      Notification.error(unfit);
      return false;
    }
    const { commands } = this._workbench;
    this._busy.add(busy);
    commands.notifyCommandChanged(spec.id);
    try {
      const { perform } = await import('./perform');
      return await perform(this._workbench, spec, ref, args);
    } catch {
      // what goes wrong in it, it says itself: only its code can be missing
      const { trans } = this._workbench;
      Notification.error(
        trans.__('Nothing was done: the server does not answer. Try again once it does.')
      );
      return false;
    } finally {
      this._busy.delete(busy);
      commands.notifyCommandChanged(spec.id);
    }
  }

  private readonly _busy = new Set<string>();
}
