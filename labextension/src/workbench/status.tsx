import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import React from 'react';

import type { ICompute } from '../api/types';
import { cx } from '../components/cx';
import { Icon, Shape } from '../components/icon';
import { Num } from '../components/number';
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

interface IStatusProps {
  /** Whether the popup is shown. */
  shown: boolean;
  onClick: () => void;
}

function Status({ shown, onClick }: IStatusProps): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const { data } = useQuery<ICounts>(
    'status',
    async signal => {
      const [compute, alerts] = await Promise.all([
        client.jobs.compute(signal),
        client.monitoring.alerts({ firing: true, limit: 1 }, signal)
      ]);
      return { compute, firing: alerts.total };
    },
    // Without a project, or our half of the server, there is nothing to tell until something
    // happens. A cluster is used by others too.
    {
      topics: ['job', 'alert'],
      every: data => (data && data.compute.backend !== 'local' ? 15_000 : null),
      final: ['not_found', 'no_server']
    }
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
      aria-haspopup="dialog"
      aria-expanded={shown}
      onClick={onClick}
    >
      {compute.devices.length > 0 && (
        <span>
          <Icon name="jobs" /> GPU <Num value={`${held}/${compute.devices.length}`} />
        </span>
      )}
      {compute.running > 0 && (
        <span aria-label={trans._n('%1 job running', '%1 jobs running', compute.running)}>
          <span className={cx('tone-run')}>
            <Shape name="running" />
          </span>
          <Num value={compute.running} />
        </span>
      )}
      {compute.waiting > 0 && (
        <span aria-label={trans._n('%1 job waiting', '%1 jobs waiting', compute.waiting)}>
          <span className={cx('tone-wait')}>
            <Shape name="waiting" />
          </span>
          <Num value={compute.waiting} />
        </span>
      )}
      {firing > 0 && (
        <span aria-label={trans._n('%1 alert firing', '%1 alerts firing', firing)}>
          <span className={cx('tone-bad')}>
            <Shape name="firing" />
          </span>
          <Num value={firing} />
        </span>
      )}
    </button>
  );
}

/** The item of the status bar, and the popup that a click opens and the next one closes. */
class StatusItem extends ReactWidget {
  constructor(
    private readonly _workbench: IWorkbench,
    private readonly _visibility: WidgetVisibility
  ) {
    super();
    this.addClass(cx('status-item'));
  }

  protected override render(): React.ReactElement {
    return (
      <WorkbenchContext.Provider value={this._workbench}>
        <VisibilityContext.Provider value={this._visibility}>
          <Status shown={this._popup !== null} onClick={() => void this._toggle()} />
        </VisibilityContext.Provider>
      </WorkbenchContext.Provider>
    );
  }

  private async _toggle(): Promise<void> {
    if (this._popup) {
      this._popup.dispose();
      return;
    }
    const { openPopup } = await import('../jobs/popup');
    this._popup ??= openPopup(this._workbench, this);
    this._popup.disposed.connect(() => {
      this._popup = null;
      this.update();
    });
    this.update();
  }

  private _popup: Widget | null = null;
}

export const status: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:status',
  description: 'GPUs, jobs and alerts in the status bar; hidden when there is nothing to show.',
  autoStart: true,
  requires: [IWorkbench, IStatusBar],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, bar: IStatusBar) => {
    const visibility = new WidgetVisibility();
    visibility.shown = true; // as long as the browser's tab is
    const show = (): void => {
      const item = new StatusItem(workbench, visibility);
      bar.registerStatusItem('mlinfra-status', { item, align: 'right', rank: 90 });
    };
    void app.restored.then(() => setTimeout(show, START_MS));
  }
};
