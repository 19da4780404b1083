import { ReactWidget } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import React, { useMemo } from 'react';

import { cx } from '../components/cx';
import { Icon, Shape } from '../components/icon';
import { Num } from '../components/number';
import { useWorkbench, WorkbenchContext } from '../hooks/context';
import { useUse } from '../hooks/query';
import { useVisible, VisibilityContext, type WidgetVisibility } from '../hooks/visible';
import type { IWorkbench } from '../tokens';
import { isQuiet, computeUse, firingUse } from './counts';

interface IStatusProps {
  /** Whether the popup is shown. */
  shown: boolean;
  onClick: () => void;
}

function Status({ shown, onClick }: IStatusProps): React.ReactElement | null {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const visible = useVisible();
  const { data: compute } = useUse(
    useMemo(() => computeUse(workbench), [workbench]),
    visible
  );
  const { data: alerts } = useUse(
    useMemo(() => firingUse(workbench), [workbench]),
    visible
  );
  if (!compute || !alerts || isQuiet(compute, alerts)) {
    return null;
  }
  const firing = alerts.total;
  const held = compute.devices.filter(device => device.holder).length;
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
export class StatusItem extends ReactWidget {
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
