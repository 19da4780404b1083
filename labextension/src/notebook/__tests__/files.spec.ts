jest.mock('@jupyterlab/notebook', () => ({ NotebookPanel: Object })); // its layout needs a browser

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { ProjectFiles } from '../files';

const app = {
  serviceManager: { contents: { addDrive: () => undefined, localPath: (path: string) => path } }
} as unknown as JupyterFrontEnd;

describe('“Run as Job” without a project', () => {
  it('says what is missing, why, and what to do', async () => {
    const told = jest.spyOn(Notification, 'error');
    const project = (): Promise<never> =>
      Promise.reject(new ApiError('not_found', 'There is no project.', 'No mlinfra.toml above /x.', 'mlinfra init'));
    const fake = fakeWorkbench({ project });
    await new ProjectFiles(app, fake.workbench).submit('a.ipynb');
    expect(told.mock.calls[0]?.[0]).toBe('There is no project.\nNo mlinfra.toml above /x.\nmlinfra init');
    expect(fake.open).not.toHaveBeenCalled();
  });
});
