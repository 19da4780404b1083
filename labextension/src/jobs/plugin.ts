import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { IWorkbench } from '../tokens';
import { jobKinds } from './kinds';
import { Ends, jobRef, NOTIFY } from './notify';

export const jobs: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:jobs',
  description: 'The Jobs panel and its pages.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ISettingRegistry],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, registry: ISettingRegistry | null) => {
    const { trans } = workbench;
    jobKinds(trans).forEach(workbench.addKind);
    tellEnds(app, workbench, registry);
    workbench.addPanel({
      name: 'jobs',
      title: trans.__('Jobs'),
      caption: trans.__('Jobs: notebooks and commands that run away from the kernel'),
      icon: 'jobs',
      rank: 530,
      placeholder: trans.__('job, pipeline, notebook'),
      body: () => import('./panel'),
      actions: [{ command: 'mlinfra:jobs-submit-any', icon: 'play', label: trans.__('Submit…') }]
    });
    workbench.addCommand({
      id: 'mlinfra:jobs-queue',
      label: trans.__('Show the Queue'),
      caption: trans.__('What runs and what waits, in the order in which it may start'),
      icon: 'queue',
      category: workbench.category(trans.__('Jobs')),
      execute: () => workbench.open('queue:all')
    });
  }
};

const PLUGIN = '@jupyter-mlinfra/labextension:jobs';

/** Tell of the end of jobs that were submitted here, unless the setting says otherwise. */
function tellEnds(
  app: JupyterFrontEnd,
  workbench: IWorkbench,
  registry: ISettingRegistry | null
): void {
  const { trans } = workbench;
  let enabled = true;
  void registry?.load(PLUGIN).then(settings => {
    const read = (): void => {
      enabled = settings.composite.notifyEnds !== false;
    };
    settings.changed.connect(read);
    read();
  });
  const inSight = (ref: string): boolean => {
    const current = app.shell.currentWidget;
    return (
      current?.id === `jp-mlinfra-${ref}` &&
      current.isVisible &&
      document.visibilityState !== 'hidden'
    );
  };
  const ends = new Ends(workbench, { isEnabled: () => enabled, inSight });
  workbench.addCommand({
    id: NOTIFY,
    label: trans.__('Notify of the End of a Job'),
    caption: trans.__('Show a notification when a job ends'),
    args: { ref: { type: 'string', description: trans.__('The reference of the job') } },
    execute: ({ ref }) => {
      const found = jobRef(ref);
      return found === null ? undefined : ends.await(found);
    }
  });
}
