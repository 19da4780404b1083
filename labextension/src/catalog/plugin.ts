import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import { IWorkbench } from '../tokens';
import { ingestFiles, selectedTables } from './ingest';

export const catalog: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-mlinfra/labextension:catalog',
  description: 'The Catalog panel and the page of a dataset.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [IFileBrowserFactory],
  activate: (_: JupyterFrontEnd, workbench: IWorkbench, browsers: IFileBrowserFactory | null) => {
    const { trans } = workbench;
    workbench.addPanel({
      name: 'catalog',
      title: trans.__('Catalog'),
      caption: trans.__('Datasets: tables that the workbench can search, version and trace'),
      icon: 'catalog',
      rank: 510,
      placeholder: trans.__('name, column, tag, owner'),
      body: () => import('./panel')
    });
    workbench.addPage({
      kind: 'dataset',
      icon: 'catalog',
      command: 'mlinfra:catalog-open',
      label: trans.__('Open Dataset'),
      caption: trans.__('Rows, columns, snapshots and lineage of a dataset'),
      title: name => name,
      body: () => import('./dataset')
    });
    workbench.addCommand({
      id: 'mlinfra:catalog-ingest',
      label: trans.__('Register as Dataset…'),
      caption: trans.__('Read the selected CSV, Parquet or JSON files into the catalog'),
      icon: 'catalog',
      isVisible: () => selectedTables(browsers).length > 0,
      execute: () => ingestFiles(workbench, selectedTables(browsers))
    });
  }
};
