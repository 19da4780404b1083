import { Notification } from '@jupyterlab/apputils';

import type { IAlert } from '../api/types';
import { brief } from '../components/confirm';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';

const KEY = 'alerts:told';
const MOST = 2_000;
/** Alerts that begin to fire within so many milliseconds are told together. */
const TOGETHER = 300;
/** As many as a page of the server has. */
const PAGE = 500;
const NAMES = 3;

/** Alerts of which this browser has told, and since when each fires. */
type Told = Readonly<Record<string, string>>;

let told: Promise<Map<string, string>> | undefined;
const waiting = new Set<string>();

/**
 * Tell that an alert fires, once for each time that it begins. Later events of it, such as an
 * acknowledgement, or the end of a silence, come with the same beginning. Those of a rule that
 * begin together, such as many features that drift, are told in one.
 */
export async function tellFiring(workbench: IWorkbench, ref: string): Promise<void> {
  const first = !waiting.size;
  waiting.add(ref);
  if (first) {
    await new Promise(done => setTimeout(done, TOGETHER));
    const refs = new Set(waiting);
    waiting.clear();
    await tell(workbench, refs);
  }
}

async function tell(workbench: IWorkbench, refs: ReadonlySet<string>): Promise<void> {
  const { client, memory } = workbench;
  told ??= memory.read<Told>(KEY).then(kept => new Map(Object.entries(kept ?? {})));
  const known = await told;
  const { items } = await client.monitoring.alerts({ firing: true, limit: PAGE });
  const fresh = items.filter(({ ref, since }) => refs.has(ref) && known.get(ref) !== since);
  if (!fresh.length) {
    return;
  }
  fresh.forEach(({ ref, since }) => known.set(ref, since));
  memory.write(KEY, Object.fromEntries([...known].slice(-MOST)));
  const rules = new Map<string, IAlert[]>();
  for (const alert of fresh) {
    const rule = formatRef('alert', [alert.monitor, alert.name]);
    rules.set(rule, [...(rules.get(rule) ?? []), alert]);
  }
  rules.forEach((alerts, rule) => show(workbench, rule, alerts));
}

function show(workbench: IWorkbench, rule: string, alerts: readonly IAlert[]): void {
  const { trans, open, commands } = workbench;
  const [alert] = alerts;
  if (!alert) {
    return;
  }
  const one = alerts.length === 1;
  const [text] = brief(one ? wordsOf(alert, workbench) : wordsOfAll(alerts, workbench), trans);
  const page = one ? alert.ref : formatRef('monitor', alert.monitor);
  Notification.warning(text, {
    autoClose: 20_000,
    actions: [
      { label: trans.__('Open'), displayType: 'accent', callback: () => void open(page) },
      {
        label: trans.__('Silence…'),
        callback: () =>
          void commands.execute('mlinfra:alerts-silence', { ref: one ? alert.ref : rule })
      }
    ]
  });
}

function wordsOf({ name, subject, monitor, text }: IAlert, { trans }: IWorkbench): string {
  const what = [name, subject].filter(Boolean).join(' ');
  return trans.__('%1 of %2 fires: %3', what, monitor, text);
}

function wordsOfAll(alerts: readonly IAlert[], { trans }: IWorkbench): string {
  const { name = '', monitor = '' } = alerts[0] ?? {};
  const names = alerts.slice(0, NAMES).map(({ subject }) => subject);
  return trans.__(
    '%1 of %2 fires for %3: %4',
    name,
    monitor,
    alerts.length,
    [...names, ...(alerts.length > NAMES ? ['…'] : [])].join(', ')
  );
}
