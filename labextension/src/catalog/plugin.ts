import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import { IWorkbench } from '../tokens';
import { catalogKinds } from './kinds';
import { selectedTables } from './tables';

export const catalog: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:catalog',
  description: 'The Catalog panel and the page of a dataset.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [IFileBrowserFactory],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench, browsers: IFileBrowserFactory | null) => {
    const { trans } = workbench;
    catalogKinds(trans).forEach(workbench.addKind);
    workbench.addPanel({
      name: 'catalog',
      title: trans.__('Catalog'),
      caption: trans.__('Datasets: tables that the workbench can search, version and trace'),
      icon: 'catalog',
      rank: 510,
      placeholder: trans.__('name, column, tag, owner'),
      body: () => import('./panel')
    });
    workbench.addCommand({
      id: 'mlinfra:catalog-ingest',
      label: trans.__('Register as Dataset…'),
      caption: trans.__('Read the selected CSV, Parquet or JSON files into the catalog'),
      icon: 'catalog',
      isVisible: () => selectedTables(browsers).length > 0,
      execute: async () => {
        const tables = selectedTables(browsers);
        const { ingestFiles } = await import('./ingest');
        await ingestFiles(workbench, tables);
      }
    });
  }
};
