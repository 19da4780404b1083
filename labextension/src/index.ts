import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { catalog } from './catalog/plugin';
import { client, workbench } from './workbench/plugin';

export { IMLInfra, IWorkbench } from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [client, workbench, catalog];

export default plugins;
