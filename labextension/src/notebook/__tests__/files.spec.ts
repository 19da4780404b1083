jest.mock('@jupyterlab/notebook', () => ({ NotebookPanel: Object })); // its layout needs a browser

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { ApiError } from '../../api/errors';
import { fakeWorkbench } from '../../components/__tests__/workbench';
import { ExecutedDrive, withoutKernel } from '../executed';
import { ProjectFiles } from '../files';
import { isRecord, toDisk, toLab, toTab } from '../paths';

const app = {
  serviceManager: { contents: { addDrive: () => undefined, localPath: (path: string) => path } }
} as unknown as JupyterFrontEnd;

describe('“Run as Job” without a project', () => {
  it('says what is missing, why, and what to do', async () => {
    const notified = jest.spyOn(Notification, 'error');
    const project = (): Promise<never> =>
      Promise.reject(
        new ApiError(
          'not_found',
          'There is no project.',
          'No mlinfra.toml above /x.',
          'mlinfra init'
        )
      );
    const fake = fakeWorkbench({ project });
    await new ProjectFiles(app, fake.workbench).submit('a.ipynb');
    expect(notified.mock.calls[0]?.[0]).toBe(
      'There is no project.\nNo mlinfra.toml above /x.\nmlinfra init'
    );
    expect(fake.open).not.toHaveBeenCalled();
  });
});

describe('the tab of an executed notebook', () => {
  it.each([
    ['.mlinfra/jobs/7f3a99c1/2/my train.ipynb', '.mlinfra/jobs/7f3a99c1/2/7f3a (2) my train.ipynb'],
    [
      '.mlinfra/runs/e6f41d5e/train[depth=4].ipynb',
      '.mlinfra/runs/e6f41d5e/e6f4 train[depth=4].ipynb'
    ],
    ['flights/.mlinfra/jobs/a/1/x (2) y.ipynb', 'flights/.mlinfra/jobs/a/1/a (1) x (2) y.ipynb']
  ])('names the job and the attempt of %s', (disk, tab) => {
    expect(toTab(disk)).toBe(tab);
    expect(toDisk(tab)).toBe(disk);
  });

  it.each(['.mlinfra/jobs/7f3a99c1/1/my train.ipynb', '.mlinfra/runs/e6f41d5e/a b.ipynb'])(
    'is %s in a workspace that was kept before names told the job',
    path => expect(toDisk(path)).toBe(path)
  );

  it('is read from the file on disk', async () => {
    const executed = jest.fn(async () => ({ content: {}, modified_at: '2026-11-24T09:00:00Z' }));
    const drive = new ExecutedDrive(fakeWorkbench({ jobs: { executed } }).workbench.client);
    const { name } = await drive.get(toTab('.mlinfra/jobs/7f3a99c1/2/train.ipynb'));
    expect(name).toBe('7f3a (2) train.ipynb');
    expect(executed).toHaveBeenCalledWith('.mlinfra/jobs/7f3a99c1/2/train.ipynb');
  });
});

describe('a notebook that a job wrote', () => {
  const cell = (metadata: unknown): unknown => ({
    cell_type: 'code',
    source: '1',
    outputs: [],
    metadata
  });
  const open = async (
    content: Record<string, unknown>
  ): Promise<{ cells: { metadata: unknown }[] }> => {
    const executed = jest.fn(async () => ({ content, modified_at: '2026-11-24T09:00:00Z' }));
    const drive = new ExecutedDrive(fakeWorkbench({ jobs: { executed } }).workbench.client);
    const { content: opened } = await drive.get('.mlinfra/runs/a/b.ipynb');
    return opened as { cells: { metadata: unknown }[] };
  };

  it('is not trusted, whatever it says of its cells', async () => {
    const file = {
      nbformat: 4,
      cells: [cell({ trusted: true, tags: ['x'] }), cell({ trusted: 'yes' }), cell({})]
    };
    const { cells } = await open(file);
    expect(cells.map(({ metadata }) => metadata)).toEqual([{ tags: ['x'] }, {}, {}]);
    expect(file.cells).toHaveLength(3);
    // what others have of it stays
    expect(file.cells[0]).toEqual(cell({ trusted: true, tags: ['x'] }));
  });

  it.each([[null], [[]], ['text'], [undefined]])(
    'is opened when the metadata of a cell is %p',
    async metadata => {
      expect((await open({ cells: [cell(metadata)] })).cells).toEqual([cell(metadata)]);
    }
  );
});

it('a record is not offered to be run as a job', () => {
  expect(isRecord({ path: 'mlinfra:.mlinfra/jobs/a/1/a (1) x.ipynb' })).toBe(true);
  expect(isRecord({ path: 'mlinfra/x.ipynb' })).toBe(false);
});

it('no kernel is begun for a record, whoever opens it', async () => {
  const notified: string[] = [];
  const context = (path: string): NotebookPanel['context'] => {
    const sessionContext = {
      initialize: jest.fn(async () => true),
      kernelPreference: {},
      kernelDisplayStatus: 'initializing',
      statusChanged: { emit: () => notified.push(sessionContext.kernelDisplayStatus) }
    };
    return { path, sessionContext } as unknown as NotebookPanel['context'];
  };
  const [record, other] = [context('mlinfra:.mlinfra/jobs/a/1/a (1) x.ipynb'), context('x.ipynb')];
  [record, other].forEach(withoutKernel);
  expect(notified).toEqual(['']); // that of the record is not said to begin for ever
  expect(
    await Promise.all([record, other].map(({ sessionContext }) => sessionContext.initialize()))
  ).toEqual([false, true]);
  expect(
    [record, other].map(({ sessionContext }) => sessionContext.kernelPreference.canStart)
  ).toEqual([false, undefined]);
});

it('a notebook outside the project is named as JupyterLab knows it', () => {
  const project = { path: 'lab/flights', root: '/home/ana/lab/flights' };
  expect(toLab('a.ipynb', project)).toBe('lab/flights/a.ipynb');
  expect(toLab('/home/ana/tries/a.ipynb', project)).toBe('tries/a.ipynb');
  expect(toLab('/srv/a.ipynb', project)).toBeNull();
  expect(toLab('/home/ana/a.ipynb', { path: '', root: '/home/ana' })).toBe('a.ipynb');
});
