import type { TranslationBundle } from '@jupyterlab/translation';

import { kinds } from '../kinds';
import type { IActionSpec } from '../tokens';

/** The word for the domain of an action: it is in the id, `mlinfra:<domain>-<verb>`. */
export function domainWord(
  { id, kinds: of = [] }: Pick<IActionSpec, 'id' | 'kinds'>,
  trans: TranslationBundle
): string {
  const words: Readonly<Record<string, string>> = {
    catalog: trans.__('Catalog'),
    features: trans.__('Features'),
    jobs: trans.__('Jobs'),
    pipelines: trans.__('Pipelines'),
    schedules: trans.__('Schedules'),
    experiments: trans.__('Experiments'),
    runs: trans.__('Runs'),
    models: trans.__('Models'),
    deployments: trans.__('Deployments'),
    monitors: trans.__('Monitors'),
    alerts: trans.__('Alerts'),
    rules: trans.__('Rules')
  };
  const [, verb = id] = id.split(':');
  // The name of a domain of another extension may hold hyphens; its panel has that name too.
  const panels = of.flatMap(kind => kinds.get(kind)?.panel ?? []);
  // It may also begin with one of our words, or with the name of another panel.
  const names = [...Object.keys(words), ...panels].sort((a, b) => b.length - a.length);
  const domain = names.find(name => verb.startsWith(`${name}-`)) ?? verb.replace(/-.*$/, '');
  const name = domain.replace(/[-_]/g, ' ');
  return words[domain] ?? name.charAt(0).toUpperCase() + name.slice(1);
}
