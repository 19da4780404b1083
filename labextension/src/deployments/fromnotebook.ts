import { ApiError } from '../api/errors';
import { parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { nameFor } from './deployform';
import { deployRef } from './deployref';
import { versionRef } from './series';

/** Among so many runs of a notebook, the newest ones, its version is looked for. */
const MOST = 500;

type Version = readonly [model: string, number: string];

const versionOf = (ref: string): Version => {
  const [model = '', number = ''] = parseRef(ref)?.parts ?? [];
  return [model, number];
};

/**
 * Open the form that deploys what a notebook has made: the newest version of the model that its
 * newest run made one of. It goes where that model is deployed, beside what is live there.
 */
export async function deployNotebook(
  { client, open, trans }: IWorkbench,
  notebook: string
): Promise<void> {
  const where = `notebook = '${notebook.replace(/'/g, "''")}'`;
  const [runs, deployments] = await Promise.all([
    client.experiments.runs({ where, sort: '-started', limit: MOST }),
    client.deployments.list({ limit: MOST })
  ]);
  const versions = runs.items.flatMap(run => run.versions.map(versionOf));
  const model = versions[0]?.[0];
  const newest = versions
    .filter(([name]) => name === model)
    .sort(([, a], [, b]) => Number(b) - Number(a))[0];
  if (!newest) {
    throw new ApiError(
      'not_found',
      trans.__('No version of a model comes from %1.', notebook),
      runs.items.length
        ? trans._n(
            'Its run has registered no model.',
            'None of its newest %1 runs has registered a model.',
            runs.items.length
          )
        : trans.__('It has no run.'),
      trans.__('Train in it with ml.track(…), then choose Register… on the page of the run.')
    );
  }
  const serving = deployments.items
    .filter(({ versions }) => versions.some(item => versionOf(versionRef(item))[0] === newest[0]))
    .map(({ name }) => name);
  const usual = nameFor(newest[0]);
  await open(deployRef(newest, serving.includes(usual) ? usual : serving[0]));
}
