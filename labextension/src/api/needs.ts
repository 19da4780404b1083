/* Generated from docs/openapi.json by `jlpm types`; not to be edited. */

import type { TranslationBundle } from '@jupyterlab/translation';

export interface INeed {
  /** A share is a whole number, or below 1 a part in hundredths. */
  readonly kind: 'whole' | 'number' | 'share' | 'word';
  /** Null where a job can do without. */
  readonly default: number | null;
  /** Excluded where the kind is number. */
  readonly least: number;
  readonly most: number | null;
  /** Of the command line. */
  readonly option: string;
}

/** What a job needs, as the server's table has it. */
export const NEEDS = {
  cpus: {
    kind: 'whole',
    default: 1,
    least: 0,
    most: 10000,
    option: '--cpus'
  },
  gpus: {
    kind: 'share',
    default: 0,
    least: 0,
    most: 10000,
    option: '--gpus'
  },
  gpu_type: {
    kind: 'word',
    default: null,
    least: 0,
    most: null,
    option: '--gpu-type'
  },
  memory_gib: {
    kind: 'number',
    default: null,
    least: 0,
    most: 1000000,
    option: '--memory-gib'
  },
  time_limit_minutes: {
    kind: 'number',
    default: null,
    least: 0,
    most: 10000000,
    option: '--time-limit'
  },
  retries: {
    kind: 'whole',
    default: 0,
    least: 0,
    most: 1000,
    option: '--retries'
  },
  backend: {
    kind: 'word',
    default: null,
    least: 0,
    most: null,
    option: '--backend'
  },
  queue: {
    kind: 'word',
    default: null,
    least: 0,
    most: null,
    option: '--queue'
  },
  priority: {
    kind: 'whole',
    default: 50,
    least: 0,
    most: 100,
    option: '--priority'
  }
} as const satisfies Readonly<Record<string, INeed>>;

export type Need = keyof typeof NEEDS;

export interface INeedWords {
  readonly label: string;
  readonly unit: string;
  readonly help: string;
  /** What it means to leave it out; empty where that cannot be. */
  readonly without: string;
}

/** The words of each need. */
export const needWords = (trans: TranslationBundle): Readonly<Record<Need, INeedWords>> => ({
  cpus: {
    label: trans.__('CPUs'),
    unit: '',
    help: trans.__('slots; 0 for a job that mostly waits'),
    without: ''
  },
  gpus: {
    label: trans.__('GPUs'),
    unit: '',
    help: trans.__('whole ones, or below 1 a part of one: 0.5'),
    without: ''
  },
  gpu_type: {
    label: trans.__('GPU type'),
    unit: '',
    help: trans.__('a word of the device\'s name, such as A100'),
    without: trans.__('any')
  },
  memory_gib: {
    label: trans.__('memory'),
    unit: trans.__('GiB'),
    help: trans.__('reserved for the job, not enforced'),
    without: trans.__('none')
  },
  time_limit_minutes: {
    label: trans.__('time limit'),
    unit: trans.__('minutes'),
    help: trans.__('the job is ended after this time'),
    without: trans.__('none')
  },
  retries: {
    label: trans.__('retries'),
    unit: '',
    help: trans.__('new attempts after a failure, each from the last checkpoint'),
    without: ''
  },
  backend: {
    label: trans.__('backend'),
    unit: '',
    help: trans.__('where it runs'),
    without: trans.__('that of the settings')
  },
  queue: {
    label: trans.__('queue'),
    unit: '',
    help: trans.__('partition or queue of that backend'),
    without: trans.__('its usual one')
  },
  priority: {
    label: trans.__('priority'),
    unit: '',
    help: trans.__('0 is last, 100 first'),
    without: ''
  }
});
