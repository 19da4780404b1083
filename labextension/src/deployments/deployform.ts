import type { IDeployWish } from '../api/deployments';
import type { IDeployedVersion, IDeployment } from '../api/types';
import { shareOf } from './weights';

/** How a version comes to its traffic, in the order on screen. */
export const HOWS = ['all', 'standby', 'canary', 'shadow', 'steps'] as const;
export type How = (typeof HOWS)[number];

/** What stands in the fields of the form. */
export interface IDeployForm {
  model: string;
  /** Its number. */
  version: string;
  /** Of the deployment. */
  name: string;
  how: How;
  /** Percent of the requests that a canary answers. */
  share: string;
  /** Percent of the requests that a shadow gets a copy of. */
  copies: string;
  /** `5,25,100` */
  steps: string;
  /** How long each step lasts, in minutes. */
  every: string;
  least: string;
  goal: '' | 'reward' | 'kpi' | 'error';
  better: '' | 'higher' | 'lower';
  answers: '' | 'classes' | 'probabilities';
  runtime: string;
  workers: string;
  target: 'local' | 'kubernetes';
  /** `VIEW` or `VIEW:FEATURE`, with commas between them. */
  features: string;
  missing: 'error' | 'null' | 'default';
  /** `COLUMN=VALUE`, with commas between them. */
  defaults: string;
  reason: string;
}

/** The same fields as of a command line without options. */
export const USUAL: Omit<IDeployForm, 'model' | 'version' | 'name' | 'how'> = {
  share: '10',
  copies: '100',
  steps: '5,25,100',
  every: '10',
  least: '100',
  goal: '',
  better: '',
  answers: '',
  runtime: '',
  workers: '',
  target: 'local',
  features: '',
  missing: 'error',
  defaults: '',
  reason: ''
};

const LONGEST = 63;
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT = /^[^=\s]+=/;
const MOST_MINUTES = 30 * 24 * 60;
export const MOST_WORKERS = 64;

/** The deployment of a model unless another name is chosen, as the command line calls it. */
export const nameFor = (model: string): string =>
  model
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST)
    .replace(/^-+|-+$/g, '') || 'model';

/** What a deployment calls a version of a model. */
const labelOf = (version: string): string => `v${version}`;

/** The version that a deployment has already; one that has failed is deployed anew. */
export const deployedAs = (
  { version }: Pick<IDeployForm, 'version'>,
  deployment: IDeployment | undefined
): IDeployedVersion | undefined =>
  deployment?.versions.find(
    item => item.version === labelOf(version) && item.state !== 'failed' && item.gates.length > 0
  );

/** What is known of the tests of a version that a deployment has already. */
export function testedAs({ state, traffic, gates }: IDeployedVersion): 'passed' | 'failed' | '' {
  if (gates.some(({ passed }) => passed === false)) {
    return 'failed';
  }
  return state === 'ready' || traffic > 0 ? 'passed' : '';
}

/**
 * How this version can come to its traffic: a share is taken from others, if any has some. One that
 * answers already cannot wait, and gets no copies. A cluster starts no version without traffic, and
 * has steps of its own.
 */
export function howsFor(
  { version, target }: Pick<IDeployForm, 'version' | 'target'>,
  deployment: IDeployment | undefined
): readonly How[] {
  const answers = (deployedAs({ version }, deployment)?.traffic ?? 0) > 0;
  const live = deployment?.versions.some(
    item => item.version !== labelOf(version) && item.traffic > 0
  );
  const hows = live ? HOWS.slice(1) : HOWS.slice(0, 2);
  return hows.filter(
    how =>
      !(answers && (how === 'standby' || how === 'shadow')) &&
      (target === 'local' || (how !== 'standby' && how !== 'steps'))
  );
}

/** Parts of a text that stand between commas. */
const parts = (text: string): string[] =>
  text
    .split(',')
    .map(part => part.trim())
    .filter(Boolean);

/** Views or features of them. */
export const viewsOf = ({ features }: Pick<IDeployForm, 'features'>): string[] => parts(features);

/** A comma divides two values where a column and `=` follow it. */
export const defaultsOf = ({ defaults }: Pick<IDeployForm, 'defaults'>): string[] =>
  defaults
    .split(/,(?=\s*[^,=\s]+=)/)
    .map(part => part.trim())
    .filter(Boolean);

/** Shares that rise, from above 0 to at most 100, the first below; null for anything else. */
export function stepsOf({ steps }: Pick<IDeployForm, 'steps'>): number[] | null {
  const shares = steps.split(',').map(shareOf);
  const found = shares.flatMap(share => share ?? []);
  const rises = found.every((share, index) => share > (found[index - 1] ?? 0));
  return found.length === shares.length && rises && (found[0] ?? 100) < 100 ? found : null;
}

/** Words for what is at fault; the form's own language. */
export interface IFaultWords {
  name: string;
  version: string;
  share: string;
  less: (share: number) => string;
  copies: string;
  steps: string;
  every: string;
  least: string;
  workers: string;
  view: (name: string) => string;
  defaults: string;
}

export type Faults = Partial<Record<keyof IDeployForm, string>>;

/** Whether a text is a number in a range. */
const within = (text: string, least: number, most: number, whole = true): boolean => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= least && value <= most && (!whole || Number.isInteger(value));
};

/**
 * What is at fault in the fields that are shown. views: names of those that there are; null while
 * they are not known.
 */
export function faultsOf(
  form: IDeployForm,
  deployment: IDeployment | undefined,
  views: readonly string[] | null,
  say: IFaultWords
): Faults {
  const faults: Faults = {};
  if (!NAME.test(form.name)) {
    faults.name = say.name;
  }
  if (!form.version) {
    faults.version = say.version;
  }
  return {
    ...faults,
    ...howFaults(form, deployment, say),
    ...ownFaults(form, deployment, views, say)
  };
}

function howFaults(
  form: IDeployForm,
  deployment: IDeployment | undefined,
  say: IFaultWords
): Faults {
  const faults: Faults = {};
  const share = shareOf(form.share);
  const present = deployedAs(form, deployment)?.traffic ?? 0;
  if (form.how === 'canary') {
    if (share === null || share === 0 || share > 100) {
      faults.share = say.share;
    } else if (share < present) {
      faults.share = say.less(present);
    }
  }
  if (form.how === 'shadow' && !within(form.copies, 1, 100)) {
    faults.copies = say.copies;
  }
  if (form.how === 'steps') {
    const [first] = stepsOf(form) ?? [];
    if (first === undefined) {
      faults.steps = say.steps;
    } else if (first < present) {
      faults.steps = say.less(present);
    }
    if (!within(form.every, 1 / 60, MOST_MINUTES, false)) {
      faults.every = say.every;
    }
    if (!within(form.least, 0, 1e9)) {
      faults.least = say.least;
    }
  }
  return faults;
}

/** Of what only a version that is not deployed yet can still be asked for. */
function ownFaults(
  form: IDeployForm,
  deployment: IDeployment | undefined,
  views: readonly string[] | null,
  say: IFaultWords
): Faults {
  const faults: Faults = {};
  if (deployedAs(form, deployment)) {
    return faults;
  }
  if (form.workers.trim() && !within(form.workers, 1, MOST_WORKERS)) {
    faults.workers = say.workers;
  }
  const unknown = views && viewsOf(form).find(view => !views.includes(view.split(':')[0] ?? ''));
  if (unknown) {
    faults.features = say.view(unknown);
  }
  const defaults = defaultsOf(form);
  const asked = viewsOf(form).length > 0 && form.missing === 'default';
  if (asked && !(defaults.length && defaults.every(pair => DEFAULT.test(pair)))) {
    faults.defaults = say.defaults;
  }
  return faults;
}

/** What is sent: what is as usual is not said. */
export function wishOf(form: IDeployForm, deployment: IDeployment | undefined): IDeployWish {
  return {
    version: `${form.model}/${form.version}`,
    name: form.name,
    ...deliveryOf(form, deployment),
    ...(deployedAs(form, deployment) ? {} : ownOf(form)),
    ...(form.target === 'local' ? {} : { target: form.target }),
    ...(form.reason.trim() && { reason: form.reason.trim() })
  };
}

function deliveryOf(form: IDeployForm, deployment: IDeployment | undefined): Partial<IDeployWish> {
  switch (form.how) {
    case 'all':
      return {};
    case 'standby':
      return howsFor(form, deployment).includes('all') ? { traffic: 0 } : {}; // a further one gets none
    case 'canary':
      return { traffic: Number(form.share) };
    case 'shadow':
      return { shadow: true, ...(Number(form.copies) !== 100 && { copies: Number(form.copies) }) };
    case 'steps':
      return {
        steps: stepsOf(form) ?? parts(form.steps).map(Number),
        ...(form.every !== USUAL.every && { every: Number(form.every) * 60 }),
        ...(form.least !== USUAL.least && { least_requests: Number(form.least) }),
        ...(form.goal && { goal: form.goal }),
        ...(form.goal && form.better && { better: form.better })
      };
  }
}

function ownOf(form: IDeployForm): Partial<IDeployWish> {
  const features = viewsOf(form);
  const missing = features.length > 0 && form.missing !== 'error' ? form.missing : null;
  return {
    ...(form.answers && { answers: form.answers }),
    ...(form.runtime.trim() && { runtime: form.runtime.trim() }),
    ...(form.workers.trim() && { workers: Number(form.workers) }),
    ...(features.length > 0 && { features }),
    ...(missing && { missing }),
    ...(missing === 'default' && { default: defaultsOf(form) })
  };
}
