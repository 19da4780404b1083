import { fakeWorkbench, type IFake } from '../../components/__tests__/workbench';
import { deployNotebook } from '../fromnotebook';

const RUNS = [
  { versions: [] },
  { versions: ['version:churn/9', 'version:churn/10'] },
  { versions: ['version:other/12', 'version:churn/11'] }
];

/** A project with these runs of a notebook, and these deployments of a model. */
function project(
  runs: readonly { versions: readonly string[] }[],
  deployed: readonly [name: string, model: string][]
): IFake & { asked: jest.Mock } {
  const asked = jest.fn(async () => ({ items: runs }));
  const items = deployed.map(([name, model]) => ({ name, versions: [{ model, version: 'v1' }] }));
  const fake = fakeWorkbench({
    experiments: { runs: asked },
    deployments: { list: async () => ({ items }) }
  });
  return { ...fake, asked };
}

it.each([
  [[], 'deploying:churn/11'],
  [[['other', 'other']], 'deploying:churn/11'],
  [[['live', 'models:/churn/1']], 'deploying:churn/11@live'],
  [
    [
      ['live', 'churn'],
      ['churn', 'churn']
    ],
    'deploying:churn/11@churn'
  ]
] as const)(
  'the newest version of what the newest run made goes where it is deployed: %j',
  async (deployed, reference) => {
    const fake = project(RUNS, deployed as unknown as [string, string][]);
    await deployNotebook(fake.workbench, "it's.ipynb");
    expect(fake.asked).toHaveBeenCalledWith(
      expect.objectContaining({ where: "notebook = 'it''s.ipynb'", sort: '-started' })
    );
    expect(fake.open).toHaveBeenCalledWith(reference);
  }
);

it.each([
  [[], 'It has no run.'],
  [[{ versions: [] }], 'Its run has registered no model.']
])('a notebook that made no version says so, why, and what to do', async (runs, why) => {
  const fake = project(runs, []);
  await expect(deployNotebook(fake.workbench, 'eda.ipynb')).rejects.toMatchObject({
    what: 'No version of a model comes from eda.ipynb.',
    why,
    fix: expect.stringContaining('Register…') as string
  });
  expect(fake.open).not.toHaveBeenCalled();
});
