import type { TranslationBundle } from '@jupyterlab/translation';

import type { IconName } from './glyphs';

const ICON: Readonly<Record<string, IconName>> = {
  dataset: 'catalog',
  column: 'column',
  view: 'features',
  feature: 'features',
  job: 'jobs',
  pipeline: 'pipeline',
  step: 'notebook',
  schedule: 'clock',
  experiment: 'experiments',
  run: 'experiments',
  compare: 'compare',
  model: 'models',
  version: 'models',
  deployment: 'deployment',
  monitor: 'monitor',
  alert: 'monitor',
  notebook: 'notebook',
  file: 'file'
};

/** The icon of a kind of object. */
export const iconOf = (kind: string): IconName => ICON[kind] ?? 'file';

/** A kind in one word, as it stands beside a name. */
export function kindName(kind: string, trans: TranslationBundle): string {
  switch (kind) {
    case 'dataset':
      return trans.__('dataset');
    case 'column':
      return trans.__('column');
    case 'view':
      return trans.__('feature view');
    case 'feature':
      return trans.__('feature');
    case 'job':
      return trans.__('job');
    case 'pipeline':
      return trans.__('pipeline');
    case 'step':
      return trans.__('step');
    case 'schedule':
      return trans.__('schedule');
    case 'experiment':
      return trans.__('experiment');
    case 'run':
      return trans.__('run');
    case 'model':
      return trans.__('model');
    case 'version':
      return trans.__('version');
    case 'deployment':
      return trans.__('deployment');
    case 'monitor':
      return trans.__('monitor');
    case 'alert':
      return trans.__('alert');
    default:
      return kind;
  }
}

/** The plural of a kind, as a section title. */
export function kindWord(kind: string, trans: TranslationBundle): string {
  switch (kind) {
    case 'dataset':
      return trans.__('Datasets');
    case 'column':
      return trans.__('Columns');
    case 'view':
      return trans.__('Feature views');
    case 'feature':
      return trans.__('Features');
    case 'job':
      return trans.__('Jobs');
    case 'pipeline':
      return trans.__('Pipelines');
    case 'step':
      return trans.__('Steps');
    case 'schedule':
      return trans.__('Schedules');
    case 'experiment':
      return trans.__('Experiments');
    case 'run':
      return trans.__('Runs');
    case 'model':
      return trans.__('Models');
    case 'version':
      return trans.__('Versions');
    case 'deployment':
      return trans.__('Deployments');
    case 'monitor':
      return trans.__('Monitors');
    case 'alert':
      return trans.__('Alerts');
    default:
      return kind;
  }
}
