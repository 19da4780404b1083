import { Notification } from '@jupyterlab/apputils';

import type { IAlert } from '../api/types';
import { brief } from '../components/confirm';
import { nameOf } from '../refs';
import type { IWorkbench } from '../tokens';

const KEY = 'alerts:told';
const MOST = 200;

/** Alerts of which this browser has told, and since when each fires. */
type Told = Readonly<Record<string, string>>;

let told: Promise<Map<string, string>> | undefined;

/**
 * Tell that an alert fires, once for each time that it begins. Later events of it, such as an
 * acknowledgement, or the end of a silence, come with the same beginning.
 */
export async function tellFiring(workbench: IWorkbench, ref: string): Promise<void> {
  const { client, memory } = workbench;
  told ??= memory.read<Told>(KEY).then(kept => new Map(Object.entries(kept ?? {})));
  const known = await told;
  const { alert } = await client.monitoring.alert(nameOf(ref));
  if (alert.state !== 'firing' || known.get(ref) === alert.since) {
    return;
  }
  known.set(ref, alert.since);
  memory.write(KEY, Object.fromEntries([...known].slice(-MOST)));
  show(workbench, alert);
}

function show({ trans, open, commands }: IWorkbench, alert: IAlert): void {
  const what = [alert.name, alert.subject].filter(Boolean).join(' ');
  const [text] = brief(trans.__('%1 of %2 fires: %3', what, alert.monitor, alert.text), trans);
  Notification.warning(text, {
    autoClose: 20_000,
    actions: [
      { label: trans.__('Open'), displayType: 'accent', callback: () => void open(alert.ref) },
      {
        label: trans.__('Silence…'),
        callback: () => void commands.execute('mlinfra:alerts-silence', { ref: alert.ref })
      }
    ]
  });
}
