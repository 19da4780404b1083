import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import { IWorkbench } from '../tokens';
import { catalogKinds } from './kinds';
import { selectedTables } from './tables';

export const catalog: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:catalog',
  description: 'The Catalog panel and its pages.',
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
      body: () => import('./panel'),
      actions: [
        { command: 'mlinfra:catalog-register', icon: 'catalog', label: trans.__('Register…') }
      ]
    });
    workbench.addCommand({
      id: 'mlinfra:catalog-register',
      label: trans.__('Register Data…'),
      caption: trans.__(
        'Files, a folder, a pattern, objects of a store or a table of a database, as a dataset'
      ),
      icon: 'catalog',
      args: {
        into: { type: 'string', description: trans.__('The dataset; one is suggested without it') }
      },
      category: workbench.category('catalog'),
      execute: async ({ into }) => {
        const { ingestData } = await import('./ingest');
        await ingestData(workbench, typeof into === 'string' ? into : '');
      }
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
