import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { ICompute } from '../api/types';
import { cx } from '../components/cx';
import { Icon, Shape } from '../components/icon';
import { useWorkbench, WorkbenchContext } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { VisibilityContext, WidgetVisibility } from '../hooks/visible';
import { IWorkbench } from '../tokens';

interface ICounts {
  compute: ICompute;
  firing: number;
}

/** Nothing is asked while JupyterLab starts; afterwards only when there is news. */
const START_MS = 3_000;

function Status(): React.ReactElement | null {
  const { client, commands, trans } = useWorkbench();
  const { data } = useQuery<ICounts>(
    'status',
    async signal => {
      const [compute, alerts] = await Promise.all([
        client.jobs.compute(signal),
        client.monitoring.alerts({ firing: true, limit: 1 }, signal)
      ]);
      return { compute, firing: alerts.total };
    },
    // Without a project, or our half of the server, there is nothing to tell until something happens.
    { topics: ['job', 'alert'], every: () => null, final: ['not_found', 'no_server'] }
  );
  if (!data) {
    return null;
  }
  const { compute, firing } = data;
  const held = compute.devices.filter(device => device.holder).length;
  if (!held && !compute.running && !compute.waiting && !firing) {
    return null;
  }
  return (
    <button
      type="button"
      className={cx('status')}
      title={trans.__('GPUs in use, jobs running and waiting, alerts firing')}
      onClick={() => void commands.execute(firing ? 'mlinfra:models-show' : 'mlinfra:jobs-show')}
    >
      {compute.devices.length > 0 && (
        <span>
          <Icon name="jobs" /> GPU {held}/{compute.devices.length}
        </span>
      )}
      {compute.running > 0 && (
        <span aria-label={trans._n('%1 job running', '%1 jobs running', compute.running)}>
          <span className={cx('tone-run')}>
            <Shape name="running" />
          </span>
          {compute.running}
        </span>
      )}
      {compute.waiting > 0 && (
        <span aria-label={trans._n('%1 job waiting', '%1 jobs waiting', compute.waiting)}>
          <span className={cx('tone-wait')}>
            <Shape name="waiting" />
          </span>
          {compute.waiting}
        </span>
      )}
      {firing > 0 && (
        <span aria-label={trans._n('%1 alert firing', '%1 alerts firing', firing)}>
          <span className={cx('tone-bad')}>
            <Shape name="firing" />
          </span>
          {firing}
        </span>
      )}
    </button>
  );
}

export const status: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:status',
  description: 'GPUs, jobs and alerts in the status bar; hidden when there is nothing to tell.',
  autoStart: true,
  requires: [IWorkbench, IStatusBar],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, bar: IStatusBar) => {
    const visibility = new WidgetVisibility();
    visibility.shown = true; // as long as the browser's tab is
    const show = (): void => {
      const item = ReactWidget.create(
        <WorkbenchContext.Provider value={workbench}>
          <VisibilityContext.Provider value={visibility}>
            <Status />
          </VisibilityContext.Provider>
        </WorkbenchContext.Provider>
      );
      bar.registerStatusItem('mlinfra-status', { item, align: 'right', rank: 90 });
    };
    void app.restored.then(() => setTimeout(show, START_MS));
  }
};
