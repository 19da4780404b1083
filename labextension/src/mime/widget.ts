import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IWorkbench } from '../tokens';

/**
 * Under which `jupyter_mlinfra/widgets/ui.py` asks for its view, and the version of what they tell
 * each other.
 */
export const MODULE = '@jupyter-mlinfra/labextension';
export const VERSION = '1.0.0';

export const widget: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:widget',
  description: 'Shows the tables of ml.ui, to pick from by hand, where JupyterLab has ipywidgets.',
  autoStart: true,
  requires: [IWorkbench],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench) => {
    void register(app, workbench);
  }
};

/**
 * Without ipywidgets in this JupyterLab, the outputs of `ml.ui` stay the static tables that they
 * are as well.
 */
async function register(app: JupyterFrontEnd, workbench: IWorkbench): Promise<void> {
  const base = await import('@jupyter-widgets/base').catch(() => null);
  const registry = base && (await app.resolveOptionalService(base.IJupyterWidgetRegistry));
  registry?.registerWidget({
    name: MODULE,
    version: VERSION,
    exports: async () => {
      const [table, explorer] = await Promise.all([import('./table'), import('./explorer')]);
      return { ...table.exportsOf(workbench), ...explorer.exportsOf(workbench) };
    }
  });
}
