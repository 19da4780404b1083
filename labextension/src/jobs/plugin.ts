import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';

export const jobs: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:jobs',
  description: 'The Jobs panel and the pages of jobs, submit forms and pipelines.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench) => {
    const { trans } = workbench;
    workbench.addPanel({
      name: 'jobs',
      title: trans.__('Jobs'),
      caption: trans.__('Jobs: notebooks and commands that run away from the kernel'),
      icon: 'jobs',
      rank: 530,
      placeholder: trans.__('job, pipeline, notebook'),
      body: () => import('./panel'),
      actions: [{ command: 'mlinfra:jobs-submit-active', icon: 'play', label: trans.__('Submit…') }]
    });
    workbench.addPage({
      kind: 'job',
      icon: 'jobs',
      command: 'mlinfra:jobs-open',
      label: trans.__('Open Job'),
      caption: trans.__('State, log and parameters of a job'),
      title: name => trans.__('job %1', name.slice(0, 8)),
      body: () => import('./job')
    });
    workbench.addPage({
      kind: 'submit',
      icon: 'play',
      command: 'mlinfra:jobs-submit',
      label: trans.__('Submit Job…'),
      caption: trans.__('Run a notebook away from the kernel'),
      title: name => trans.__('Submit %1', name.split('/').pop() ?? name),
      body: () => import('./submit')
    });
    workbench.addPage({
      kind: 'pipeline',
      icon: 'pipeline',
      command: 'mlinfra:pipelines-open',
      label: trans.__('Open Pipeline'),
      caption: trans.__('Graph and runs of a pipeline'),
      title: name => name,
      body: () => import('../pipelines/pipeline')
    });
  }
};
