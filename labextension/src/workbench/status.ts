import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';

import { WidgetVisibility } from '../hooks/visible';
import { IWorkbench } from '../tokens';
import { isQuiet, computeUse, firingUse, START_MS } from './counts';
import type * as Item from './statusitem';
import { fetchDrawing } from './widget';

/** Until its code is fetched again, where the server did not answer. */
const RETRY_MS = 15_000;

/** Resolves once there is something to tell. */
function busy(workbench: IWorkbench, visibility: WidgetVisibility): Promise<void> {
  return new Promise(resolve => {
    const [compute, firing] = [computeUse(workbench), firingUse(workbench)];
    const uses = [compute, firing];
    const look = (): void => uses.forEach(use => use.look(visibility.visible));
    const unwatch = visibility.subscribe(look);
    const check = (): void => {
      const [used, alerts] = [compute.answer.data, firing.answer.data];
      if (used && alerts && !isQuiet(used, alerts)) {
        stops.forEach(stop => stop());
        resolve();
      }
    };
    uses.forEach(use => use.hold());
    const stops = [unwatch, ...uses.flatMap(use => [use.subscribe(check), () => use.release()])];
    look();
    check(); // where another view has asked already, there may be no further answer
  });
}

/**
 * What the item is drawn with; null, and a line in the console, where the server does not send it.
 */
async function fetchItem(): Promise<typeof Item | null> {
  try {
    const [code] = await Promise.all([import('./statusitem'), fetchDrawing()]);
    return code;
  } catch (error) {
    console.warn('The status of the workbench could not be loaded yet.', error);
    return null;
  }
}

export const status: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:status',
  description: 'GPUs, jobs and alerts in the status bar; hidden when there is nothing to show.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, bar: IStatusBar | null) => {
    if (!bar) {
      return; // Jupyter Notebook has none
    }
    const visibility = new WidgetVisibility();
    visibility.shown = true; // as long as the browser's tab is
    const show = async (): Promise<void> => {
      await busy(workbench, visibility);
      const code = await fetchItem();
      if (!code) {
        later(RETRY_MS);
        return;
      }
      const item = new code.StatusItem(workbench, visibility);
      bar.registerStatusItem('mlinfra-status', { item, align: 'right', rank: 90 });
    };
    const later = (milliseconds: number): void => void setTimeout(() => void show(), milliseconds);
    void app.restored.then(() => later(START_MS));
  }
};
