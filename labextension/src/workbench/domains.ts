import type { TranslationBundle } from '@jupyterlab/translation';

/** The word for a domain by its name in the ids of commands, `mlinfra:<domain>-<verb>`. */
export function domainWord(id: string, trans: TranslationBundle): string {
  const domain = /:([a-z]+)-/.exec(id)?.[1] ?? '';
  const words: Readonly<Record<string, string>> = {
    catalog: trans.__('Catalog'),
    features: trans.__('Features'),
    jobs: trans.__('Jobs'),
    pipelines: trans.__('Pipelines'),
    schedules: trans.__('Schedules'),
    runs: trans.__('Runs'),
    models: trans.__('Models'),
    deployments: trans.__('Deployments'),
    monitors: trans.__('Monitors'),
    alerts: trans.__('Alerts')
  };
  // a domain of another extension
  return words[domain] ?? domain.charAt(0).toUpperCase() + domain.slice(1);
}
