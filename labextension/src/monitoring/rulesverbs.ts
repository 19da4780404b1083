import { type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';

import type { IAlertRule } from '../api/types';
import { toLab } from '../notebook/paths';
import type { IMonitor } from '../api/types';
import type { Perform } from '../tokens';

export const SUFFIX = '.mlrules.yaml';

/** Seconds as a rule file writes them. */
export function spanOf(seconds: number): string {
  const units: readonly [size: number, name: string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min']
  ];
  const [size, name] = units.find(([length]) => seconds >= length && seconds % length === 0) ?? [
    1,
    's'
  ];
  return `${seconds / size}${name}`;
}

/** What a file says to have a rule as it is. */
export function valuesOf(rule: IAlertRule): Record<string, unknown> {
  return {
    name: rule.name,
    metric: rule.metric,
    op: rule.op,
    threshold: rule.threshold,
    ...(rule.clear !== null && { clear: rule.clear }),
    ...(rule.for_seconds > 0 && { for: spanOf(rule.for_seconds) }),
    ...(rule.keep_firing_seconds > 0 && { keep_firing_for: spanOf(rule.keep_firing_seconds) }),
    ...(rule.min_rows > 0 && { min_rows: rule.min_rows }),
    severity: rule.severity,
    ...(rule.by.length > 0 && { by: rule.by.length === 1 ? rule.by[0] : rule.by })
  };
}

/** A first rule, to be changed. */
const FIRST = { name: 'new-rule', metric: 'psi', op: '>=', threshold: 0.2, for: '30min' };

/** A new rule file in the editor, which is not saved: nothing is in force before that. */
export const createRules: Perform<IMonitor> = async ({ workbench, name, args }) => {
  const { client, commands } = workbench;
  const project = await client.project();
  let values: Record<string, unknown> = FIRST;
  if (typeof args.rule === 'string') {
    const { items } = await client.monitoring.rules({ monitor: name, limit: 500 });
    const found = items.find(item => item.name === args.rule && !item.problem);
    values = found ? valuesOf(found) : values;
  }
  const { text } = await client.monitoring.editRules(`monitor: ${name}\n`, { values });
  const model = (await commands.execute('docmanager:new-untitled', {
    path: toLab('', project) ?? '',
    type: 'file',
    ext: SUFFIX
  })) as { path: string };
  const widget: unknown = await commands.execute('docmanager:open', { path: model.path });
  if (widget instanceof DocumentWidget) {
    const context = widget.context as DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;
    await context.ready;
    // Unlike `setSource` it marks the file as changed.
    const { sharedModel } = context.model;
    sharedModel.updateSource(0, sharedModel.getSource().length, text);
  }
};
