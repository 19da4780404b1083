import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { catalog } from './catalog/plugin';
import { experiments } from './experiments/plugin';
import { features } from './features/plugin';
import { jobs } from './jobs/plugin';
import { card } from './mime/card';
import { vega } from './mime/vega';
import { widget } from './mime/widget';
import { models } from './models/plugin';
import { notebook } from './notebook/plugin';
import { pipelines } from './pipelines/plugin';
import { launcher, links } from './workbench/entry';
import { client, workbench } from './workbench/plugin';
import { status } from './workbench/status';

export type { IKindSpec } from './kinds';
export type {
  IActionCall,
  IActionSpec,
  ICommandSpec,
  IOutcome,
  IPageSpec,
  IPanelSpec,
  Perform
} from './tokens';
export { IMLInfra, IWorkbench } from './tokens';

/**
 * Each can be disabled alone; the panels need nothing but the workbench, the workbench nothing but
 * the client.
 */
const plugins: JupyterFrontEndPlugin<unknown>[] = [
  client,
  workbench,
  catalog,
  features,
  jobs,
  pipelines,
  experiments,
  models,
  notebook,
  status,
  launcher,
  links,
  card,
  vega,
  widget
];

export default plugins;
