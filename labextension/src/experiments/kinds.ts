import type { TranslationBundle } from '@jupyterlab/translation';

import type { IKindSpec } from '../kinds';
import { runActions } from './commands';

export const experimentKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'experiment',
    icon: 'experiments',
    topic: 'run',
    label: trans.__('experiment'),
    plural: trans.__('Experiments'),
    panel: 'experiments',
    code: true,
    page: {
      command: 'mlinfra:experiments-open',
      label: trans.__('Open Experiment'),
      caption: trans.__('The runs of an experiment, sorted and filtered'),
      title: name => name,
      body: () => import('./experiment')
    }
  },
  {
    kind: 'run',
    icon: 'experiments',
    topic: 'run',
    actions: runActions(trans),
    label: trans.__('run'),
    plural: trans.__('Runs'),
    panel: 'experiments',
    describe: ({ experiments }, id, signal) => experiments.run(id, signal),
    code: true,
    page: {
      command: 'mlinfra:runs-open',
      label: trans.__('Open Run'),
      caption: trans.__('Metrics, curves, parameters and origin of a run'),
      title: name => trans.__('run %1', name.slice(0, 8)),
      body: () => import('./run')
    }
  },
  {
    kind: 'compare',
    icon: 'compare',
    label: trans.__('comparison'),
    plural: trans.__('Comparisons'),
    join: { sign: ',' },
    code: true,
    page: {
      command: 'mlinfra:runs-compare',
      label: trans.__('Compare Runs'),
      caption: trans.__('What differs between runs: parameters, metrics, curves'),
      title: name => trans._n('%1 run compared', '%1 runs compared', name.split(',').length),
      body: () => import('./compare')
    }
  }
];
