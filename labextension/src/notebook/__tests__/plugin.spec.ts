// its layout needs a browser
jest.mock('@jupyterlab/notebook', () => ({ NotebookPanel: Object, INotebookTracker: {} }));
jest.mock('../../code/drop', () => ({ acceptDrops: () => undefined }));

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Signal } from '@lumino/signaling';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { ICommandSpec } from '../../tokens';
import { notebook } from '../plugin';

const choose = jest.fn(async () => ['other.ipynb']);
jest.mock('../choosing', () => ({ chooseNotebooks: () => choose() }));

it.each([
  ['train.ipynb', true],
  ['mlinfra/train.ipynb', true],
  ['mlinfra:.mlinfra/jobs/7f3a99c1/2/7f3a (2) train.ipynb', false]
])(
  '“Run as Job” of %s is offered: %s; “Submit…” asks for a notebook then',
  async (path, offered) => {
    const { workbench, open } = fakeWorkbench({ project: async () => ({ path: '' }) });
    const specs = new Map<string, ICommandSpec>();
    const tracker = {
      currentWidget: { context: { path, model: { dirty: false } } },
      currentChanged: new Signal({}),
      widgetAdded: new Signal({})
    };
    const contents = { addDrive: () => undefined, localPath: (text: string) => text };
    const app = { serviceManager: { contents } } as unknown as JupyterFrontEnd;
    void notebook.activate(
      app,
      {
        ...workbench,
        addCommand: (spec: ICommandSpec) => specs.set(spec.id, spec),
        category: (text: string) => text
      },
      tracker,
      null
    );
    expect(specs.get('mlinfra:jobs-submit-active')?.isEnabled?.()).toBe(offered);
    expect(specs.get('mlinfra:deployments-deploy-notebook')?.isEnabled?.()).toBe(offered);
    const any = specs.get('mlinfra:jobs-submit-any');
    expect(any?.isEnabled?.() ?? true).toBe(true);
    await any?.execute({});
    expect(open).toHaveBeenCalledWith(
      `submit:${encodeURIComponent(offered ? path : 'other.ipynb')}`
    );
  }
);
