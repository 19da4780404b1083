import type { IScheduleFacts, ISchedule } from '../api/types';
import { parseRef } from '../refs';
import { cronOf, type ISentence, sentenceOf } from './cron';
import type { Texts } from './parameters';

/** What stands in the fields of the schedule form. */
export interface IScheduleForm {
  name: string;
  /** What was typed into the fields of parameters. */
  texts: Texts;
  /** `pipeline:NAME`, `file:PATH` of a notebook, or `command:WORDS` of a schedule that there is. */
  what: string;
  sentence: ISentence;
  cron: string;
  tz: string;
  catchup: ISchedule['catchup'];
  /** How old a missed time may be that is still run, in hours. */
  grace: string;
  overlap: ISchedule['overlap'];
}

/** The zone of this browser, and UTC where it tells none. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** A name that a schedule may have, from what it starts. */
export function nameFor(what: string): string {
  const last = (parseRef(what)?.name ?? what).split('/').pop() ?? '';
  const plain = last
    .replace(/\.ipynb$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return `${plain || 'schedule'}-daily`;
}

/** The first of `churn-daily`, `churn-daily-2`… that no schedule has. */
export function freeName(name: string, taken: readonly string[]): string {
  let [found, number] = [name, 1];
  while (taken.includes(found)) {
    found = `${name}-${++number}`;
  }
  return found;
}

/** The form of a new schedule, whose name none of `taken` is, or of one that there is. */
export function startForm(
  what: string,
  saved?: ISchedule,
  taken: readonly string[] = []
): IScheduleForm {
  const cron = saved?.cron ?? '0 6 * * *';
  const { notebook, command } = saved?.job ?? {};
  const job =
    Array.isArray(command) && command.length
      ? `command:${command.join(' ')}`
      : `file:${typeof notebook === 'string' ? notebook : ''}`;
  return {
    name: saved?.name ?? freeName(nameFor(what), taken),
    texts: {},
    what: saved ? (saved.pipeline ? `pipeline:${saved.pipeline}` : job) : what,
    sentence: sentenceOf(cron),
    cron,
    tz: saved?.tz ?? localZone(),
    catchup: saved?.catchup ?? 'latest',
    grace: String((saved?.grace_seconds ?? 6 * 3600) / 3600),
    overlap: saved?.overlap ?? 'skip'
  };
}

/** A change of the form with what follows from it: sentence and cron say the same. */
export function changed(
  { cron }: IScheduleForm,
  change: Partial<IScheduleForm>
): Partial<IScheduleForm> {
  if (change.cron !== undefined) {
    return { ...change, sentence: sentenceOf(change.cron) };
  }
  return change.sentence ? { ...change, cron: cronOf(change.sentence) ?? cron } : change;
}

/** Those facts that are others now. */
export const differing = (facts: IScheduleFacts, before: IScheduleFacts): IScheduleFacts =>
  Object.fromEntries(
    Object.entries(facts).filter(
      ([key, value]) =>
        JSON.stringify(value) !== JSON.stringify(before[key as keyof IScheduleFacts])
    )
  );

/** Fields that are at fault. */
export function faultsOf({
  name,
  cron,
  tz,
  grace,
  what,
  sentence
}: IScheduleForm): ReadonlySet<keyof IScheduleForm> {
  const faults = new Set<keyof IScheduleForm>();
  if (!NAME.test(name)) {
    faults.add('name');
  }
  if (!what.replace(/^\w+:/, '')) {
    faults.add('what');
  }
  if (cron.trim().split(/\s+/).length !== 5) {
    faults.add('cron');
  }
  if (sentence.every !== 'other' && cronOf(sentence) === null) {
    faults.add('sentence');
  }
  if (!tz.trim()) {
    faults.add('tz');
  }
  if (!grace.trim() || !(Number(grace) >= 0 && Number(grace) <= 8784)) {
    faults.add('grace');
  }
  return faults;
}

/**
 * What is sent. job: other fields of the job, such as what the submit form was filled with. values:
 * of its parameters, where they were changed.
 */
export function factsOf(
  form: IScheduleForm,
  { parameters, ...needs }: Readonly<Record<string, unknown>> = {},
  values?: Readonly<Record<string, unknown>>
): IScheduleFacts {
  const job = values || parameters === undefined ? needs : { ...needs, parameters };
  const pipeline = form.what.startsWith('pipeline:') ? form.what.slice('pipeline:'.length) : null;
  return {
    cron: form.cron.trim(),
    tz: form.tz.trim(),
    ...(pipeline !== null
      ? { pipeline }
      : {
          job: form.what.startsWith('command:')
            ? job
            : { ...job, notebook: form.what.replace(/^file:/, '') }
        }),
    ...(values && { parameters: values }),
    catchup: form.catchup,
    grace_seconds: Number(form.grace) * 3600,
    overlap: form.overlap
  };
}
