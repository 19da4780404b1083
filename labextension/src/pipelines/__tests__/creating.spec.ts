import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import { DocumentWidget } from '@jupyterlab/docregistry';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { Creator } from '../creating';

it('adding a notebook to an open pipeline leaves alone what is typed meanwhile', async () => {
  let source = 'steps: {}\n';
  const model = {
    toString: () => source,
    fromString: (text: string) => void (source = text),
    sharedModel: {
      getSource: () => source,
      updateSource: (_start: number, _end: number, text: string) => void (source += text)
    }
  };
  const widget = Object.assign(Object.create(DocumentWidget.prototype) as object, {});
  Object.defineProperty(widget, 'context', { value: { model, ready: Promise.resolve() } });
  jest
    .spyOn(InputDialog, 'getItem')
    .mockResolvedValue({ button: { accept: true }, value: 'churn' } as never);
  const notified = jest.spyOn(Notification, 'error').mockReturnValue('');
  const edit = async (text: string): Promise<{ text: string }> => {
    source += '# typed\n';
    return { text: `${text}  train:\n` };
  };
  const fake = fakeWorkbench({
    project: async () => ({ path: '' }),
    pipelines: {
      list: async () => ({ items: [{ name: 'churn', path: 'churn.mlpipeline.yaml' }] }),
      propose: async () => ({ path: 'x.mlpipeline.yaml', text: '' }),
      draft: async () => ({ graph: [] }),
      edit
    }
  });
  const app = {
    commands: { execute: async () => widget },
    serviceManager: { contents: { localPath: (path: string) => path } }
  } as unknown as JupyterFrontEnd;
  await new Creator(app, fake.workbench, null).addTo('train.ipynb');
  expect(source).toBe('steps: {}\n# typed\n');
  expect(notified).toHaveBeenCalledWith(expect.stringContaining('try again'), expect.anything());
});
