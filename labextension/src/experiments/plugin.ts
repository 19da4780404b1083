import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';

export const experiments: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:experiments',
  description: 'The Experiments panel and the pages of experiments, runs and comparisons.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    workbench.addPanel({
      name: 'experiments',
      title: trans.__('Experiments'),
      caption: trans.__('Experiments: training runs with their settings and results'),
      icon: 'experiments',
      rank: 540,
      placeholder: trans.__('experiment, run, tag'),
      body: () => import('./panel')
    });
    workbench.addPage({
      kind: 'experiment',
      icon: 'experiments',
      command: 'mlinfra:experiments-open',
      label: trans.__('Open Experiment'),
      caption: trans.__('The runs of an experiment, sorted and filtered'),
      title: name => name,
      body: () => import('./experiment')
    });
    workbench.addPage({
      kind: 'run',
      icon: 'experiments',
      command: 'mlinfra:runs-open',
      label: trans.__('Open Run'),
      caption: trans.__('Metrics, curves, parameters and origin of a run'),
      title: name => trans.__('run %1', name.slice(0, 8)),
      body: () => import('./run')
    });
    workbench.addPage({
      kind: 'compare',
      icon: 'compare',
      command: 'mlinfra:runs-compare',
      label: trans.__('Compare Runs'),
      caption: trans.__('What differs between runs: parameters, metrics, curves'),
      title: name => trans._n('%1 run compared', '%1 runs compared', name.split(',').length),
      body: () => import('./compare')
    });
  }
};
