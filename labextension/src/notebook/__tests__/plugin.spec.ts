jest.mock('@jupyterlab/notebook', () => ({ NotebookPanel: Object, INotebookTracker: {} })); // its layout needs a browser
jest.mock('../../code/drop', () => ({ acceptDrops: () => undefined }));

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { ICommandSpec } from '../../tokens';
import { notebook } from '../plugin';

it.each([
  ['train.ipynb', true],
  ['mlinfra/train.ipynb', true],
  ['mlinfra:.mlinfra/jobs/7f3a99c1/2/7f3a (2) train.ipynb', false]
])('“Run as Job” of %s is offered: %s', (path, offered) => {
  const { workbench } = fakeWorkbench();
  const specs = new Map<string, ICommandSpec>();
  const tracker = { currentWidget: { context: { path } }, currentChanged: new Signal({}), widgetAdded: new Signal({}) };
  const app = { serviceManager: { contents: { addDrive: () => undefined } } } as unknown as JupyterFrontEnd;
  void notebook.activate(
    app,
    { ...workbench, addCommand: (spec: ICommandSpec) => specs.set(spec.id, spec), category: (text: string) => text },
    tracker,
    null
  );
  expect(specs.get('mlinfra:jobs-submit-active')?.isEnabled?.()).toBe(offered);
});
