import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createClient, type IClient } from '../client';
import { ApiError, asApiError, errorOf } from '../errors';
import { readEvent } from '../events';
import { pathOf, queryOf, type IRequestOptions } from '../request';

interface IOperation {
  parameters?: readonly { name: string; in: string; required?: boolean }[];
  requestBody?: {
    content: {
      'application/json': {
        schema: { properties: Readonly<Record<string, unknown>>; required?: readonly string[] };
      };
    };
  };
}

type Paths = Readonly<Record<string, Readonly<Record<string, IOperation>>>>;

const DOCUMENT = JSON.parse(
  readFileSync(join(__dirname, '../../../../docs/openapi.json'), 'utf8')
) as { paths: Paths };

interface ICall extends IRequestOptions {
  path: string;
}

function recorded(): { client: IClient; calls: ICall[] } {
  const calls: ICall[] = [];
  const client = createClient(<T>(path: string, options: IRequestOptions = {}) => {
    calls.push({ path, ...options });
    return Promise.resolve({} as T);
  });
  return { client, calls };
}

/** Every call that the front end makes, once. */
const CALLS: Readonly<Record<string, (client: IClient) => Promise<unknown>>> = {
  datasets: client => client.catalog.list({ limit: 500, namespace: 'flights', cursor: '50' }),
  dataset: client => client.catalog.show('flights.departures'),
  rows: client =>
    client.catalog.rows('flights.departures', { start: 500, count: 500, snapshot: '4711' }),
  profile: client => client.catalog.profile('flights.departures', { tier: 'exact' }),
  revealed: client => client.catalog.profile('flights.departures', { tier: 'exact', reveal: true }),
  audit: client => client.catalog.audit('flights.departures', { limit: 50 }),
  snapshots: client => client.catalog.snapshots('flights.departures', { limit: 50 }),
  lineage: client => client.catalog.lineage('flights.departures'),
  ingest: client =>
    client.catalog.ingest({ files: ['data/a.csv'], into: 'ns.t', again: true, separator: '\t' }),
  inspect: client =>
    client.catalog.inspect({
      files: ['data/a.csv'],
      mode: 'replace',
      header: false,
      skip: 1,
      types: { a: 'str' }
    }),
  materialize: client => client.features.materialize('origin_weather'),
  check: client => client.features.check('origin_weather'),
  register: client => client.experiments.register('flights', '9c1e'),
  evaluate: client => client.monitoring.evaluate('flights'),
  views: client => client.features.views({ query: 'wind', limit: 50 }),
  view: client => client.features.show('origin_weather'),
  features: client => client.features.features({ view: 'origin_weather' }),
  online: client => client.features.online(['origin_weather:*'], [{ origin: 'JFK' }]),
  jobs: client => client.jobs.list({ state: 'running', limit: 50 }),
  job: client => client.jobs.show('7f3a'),
  submit: client =>
    client.jobs.submit({
      notebook: 'a.ipynb',
      parameters: { x: 1 },
      name: 'a',
      cpus: 1,
      gpus: 0,
      retries: 0,
      time_limit_minutes: 5,
      gpu_type: 'A100',
      memory_gib: 8,
      priority: 60,
      backend: 'slurm',
      queue: 'gpu',
      array: [{ x: 1 }, { x: 2 }],
      max_parallel: 1,
      after: ['7f39']
    }),
  cancel: client => client.jobs.cancel('7f3a'),
  requeue: client => client.jobs.requeue('7f3a'),
  hold: client => client.jobs.hold('7f3a'),
  release: client => client.jobs.release('7f3a'),
  prioritize: client => client.jobs.prioritize('7f3a', 60),
  clone: client =>
    client.jobs.clone('7f3a', { parameters: { x: 2 }, needs: { gpus: 2 }, same_code: true }),
  'difference of the code': client => client.jobs.diff('7f3a', 1000),
  'code of now': client => client.jobs.preview('a b.ipynb', 50),
  attach: client => client.jobs.attach('7f3a'),
  'search in a log': client =>
    client.jobs.searchLog('7f3a', { text: 'loss', limit: 50, cursor: '1.2.3' }),
  attempts: client => client.jobs.attempts('7f3a', { limit: 50 }),
  'code of a job': client => client.jobs.code('7f3a'),
  resources: client => client.jobs.resources('7f3a', 900),
  elements: client => client.jobs.list({ array: '7f3a', limit: 500 }),
  queue: client => client.jobs.queue({ limit: 50 }),
  estimate: client =>
    client.jobs.estimate({
      notebook: 'a.ipynb',
      gpus: 1,
      gpu_type: 'A100',
      cpus: 1,
      memory_gib: 8,
      time_limit_minutes: 5,
      backend: 'local',
      queue: 'gpu'
    }),
  log: client => client.jobs.log('7f3a', { offset: 0, limit: 1000 }),
  compute: client => client.jobs.compute(),
  parameters: client => client.jobs.parameters('a b.ipynb'),
  pipelines: client => client.pipelines.list({ limit: 10 }),
  pipeline: client => client.pipelines.show('flights'),
  'pipeline runs': client => client.pipelines.runs('flights', { limit: 10 }),
  'pipeline run': client =>
    client.pipelines.run('flights', { parameters: {}, force: false, from_step: 'train' }),
  repair: client => client.pipelines.repair('r1'),
  backfill: client =>
    client.pipelines.backfill('flights', {
      first: '2013-01-01',
      last: '2013-01-31',
      every: 'day',
      dry_run: true
    }),
  explain: client => client.pipelines.explain('flights', 'train'),
  draft: client => client.pipelines.draft('a.mlpipeline.yaml', 'steps:'),
  edit: client => client.pipelines.edit('steps:', ['steps', 'a'], { notebook: 'a.ipynb' }),
  rename: client => client.pipelines.rename('steps:', 'a', 'b'),
  propose: client => client.pipelines.propose(['a.ipynb']),
  schedules: client => client.schedules.list({ limit: 10 }),
  schedule: client => client.schedules.show('daily'),
  'schedule history': client => client.schedules.history('daily', { limit: 10 }),
  'new schedule': client =>
    client.schedules.create('daily', {
      cron: '0 6 * * *',
      tz: 'Europe/Paris',
      pipeline: 'flights',
      parameters: {},
      catchup: 'latest',
      grace_seconds: 60,
      overlap: 'skip'
    }),
  'changed schedule': client => client.schedules.update('daily', { job: { notebook: 'a.ipynb' } }),
  'run a schedule': client => client.schedules.runNow('daily', '2026-11-23T06:00:00+01:00'),
  'forget a schedule': client => client.schedules.remove('daily'),
  'due times': client => client.schedules.preview('0 6 * * *', 'UTC', 5),
  supervisor: client => client.schedules.supervisor(),
  experiments: client => client.experiments.list({ limit: 10 }),
  runs: client =>
    client.experiments.runs({
      experiment: 'flights',
      where: 'metrics.auc > 0.9',
      sort: '-started',
      limit: 50
    }),
  run: client => client.experiments.run('9c1e'),
  curve: client => client.experiments.curve('9c1e', 'auc'),
  compare: client => client.experiments.compare(['a', 'b']),
  models: client => client.experiments.models({ limit: 10 }),
  model: client => client.experiments.model('flights'),
  'promote a version': client => client.experiments.promote('flights', 2, 'champion'),
  deployments: client => client.deployments.list({ limit: 10 }),
  deployment: client => client.deployments.show('flights'),
  deploy: client =>
    client.deployments.deploy({ name: 'flights', version: 'flights/2', traffic: 10, reason: 'x' }),
  traffic: client => client.deployments.traffic('flights', { v1: 50, v2: 50 }, 'x'),
  'promote a canary': client => client.deployments.promote('flights', 'v2'),
  rollback: client => client.deployments.rollback('flights'),
  predict: client => client.deployments.predict('flights', { data: {} }, 'v1'),
  monitors: client => client.monitoring.list({ limit: 10 }),
  monitor: client => client.monitoring.status('flights', { since: 3600 }),
  alerts: client => client.monitoring.alerts({ firing: true, limit: 1 }),
  search: client => client.search('dep delay', ['dataset'], 50),
  status: client => client.status(),
  project: client => client.project()
};

/** The operation of the document that a call meets. */
function operationOf(call: ICall): IOperation | undefined {
  const verb = call.body === undefined ? 'get' : 'post';
  const path = Object.keys(DOCUMENT.paths).find(template =>
    new RegExp(`^/${template.slice(1).replace(/\{\w+\}/g, '[^/]+')}$`).test(`/${call.path}`)
  );
  return path === undefined ? undefined : DOCUMENT.paths[path]?.[verb];
}

describe('the client and the server’s document', () => {
  it.each(Object.keys(CALLS))('agree on %s', async name => {
    const { client, calls } = recorded();
    await CALLS[name]?.(client);
    const [call] = calls;
    const operation = call && operationOf(call);
    expect(operation).toBeDefined();
    const taken = (operation?.parameters ?? [])
      .filter(parameter => parameter.in === 'query')
      .map(parameter => parameter.name);
    const body = operation?.requestBody?.content['application/json'].schema;
    const sent = Object.keys(Object(call?.body ?? {}) as object);
    expect(Object.keys(call?.query ?? {}).filter(key => !taken.includes(key))).toEqual([]);
    expect(sent.filter(key => !(key in (body?.properties ?? {})))).toEqual([]);
    expect((body?.required ?? []).filter(key => !sent.includes(key))).toEqual([]);
  });
});

describe('addresses', () => {
  it('keep a hostile name in one part', () => {
    expect(pathOf('../a/b?c#d')).toBe('..%2Fa%2Fb%3Fc%23d');
  });

  it('leave out what is not given', () => {
    expect(queryOf({ a: 1, b: undefined, c: null, d: '', e: false })).toBe('?a=1&e=false');
    expect(queryOf({})).toBe('');
  });
});

describe('errors', () => {
  const answer = (status: number, body: string): Response =>
    ({ status, ok: false, json: async () => JSON.parse(body) as unknown }) as unknown as Response;

  it('carry what, why and fix of the server', async () => {
    const error = await errorOf(
      answer(409, '{"error":"conflict","message":"No.","why":"Because.","fix":"Do."}')
    );
    expect(error).toMatchObject({
      code: 'conflict',
      what: 'No.',
      why: 'Because.',
      fix: 'Do.',
      status: 409
    });
  });

  it('say that our half is missing when a 404 is not ours', async () => {
    expect((await errorOf(answer(404, '<html>'))).code).toBe('no_server');
  });

  it('never lose a message', async () => {
    expect((await errorOf(answer(500, '{"message":"boom"}'))).what).toBe('boom');
    expect(asApiError(new TypeError('x is undefined')).what).toBe('x is undefined');
  });

  it('know lost contact from refusal', () => {
    expect(new ApiError('unreachable', '').lost).toBe(true);
    expect(new ApiError('forbidden', '').lost).toBe(false);
  });
});

describe('events', () => {
  it('are read from Jupyter’s bus', () => {
    const emission = {
      schema_id: 'https://schema.jupyter-mlinfra.org/job/v1',
      ref: 'job:7f3a',
      data: { state: 'running' },
      id: 1,
      at: ''
    };
    expect(readEvent(emission)).toEqual({
      topic: 'job',
      ref: 'job:7f3a',
      data: { state: 'running' }
    });
  });

  it('of others are left alone', () => {
    expect(
      readEvent({
        schema_id: 'https://events.jupyter.org/jupyter_server/kernel_actions/v1',
        ref: 'x'
      })
    ).toBeNull();
  });
});
