import { type IRef, parseRef } from '../refs';

/** A Python string literal: JSON's escapes are all Python's too. */
const quote = (text: string): string => JSON.stringify(text);

/** A JSON value as a Python literal. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(', ')}]`;
  }
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quote(key)}: ${literal(item)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

/**
 * Words of Python, and names that the code of the workbench itself needs; the server keeps the same
 * list.
 */
const TAKEN = new Set(
  (
    'and as assert async await break case class continue def del elif else except finally for from global if import in is lambda ' +
    'lazy match nonlocal not or pass raise return try type while with yield charts ml print'
  ).split(' ')
);

/** A name that Python takes as a variable, made from the last part of an object's name. */
export function variable(name: string): string {
  const last = name.split(/[./:]/).pop() ?? name;
  const plain = last.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase();
  const begun = /^[a-z]/.test(plain) ? plain : `x${plain ? `_${plain}` : ''}`;
  return TAKEN.has(begun) ? `${begun}_` : begun;
}

type Form = (ref: IRef) => string;

const FORMS: Readonly<Record<string, Form>> = {
  dataset: ({ name, at }) =>
    frame(variable(name), `ml.dataset(${quote(name)}).scan(${at ? `snapshot=${quote(at)}` : ''})`),
  column: ref => columns([ref]),
  view: ({ name }) => features([`${name}:*`]),
  feature: ({ name }) => features([name]),
  job: ({ name }) => `job = ml.job(${quote(name)})\nprint(job.logs(tail=50))`,
  pipeline: ({ name }) => `ml.pipeline(${quote(name)})`,
  step: ({ parts, name }) => `ml.pipeline(${quote(parts[0] ?? name)})`,
  schedule: ({ name }) => `ml.schedule(${quote(name)})`,
  experiment: ({ name }) => `runs = ml.runs(${quote(name)})\nruns.frame()`,
  run: ({ name }) => `run = ml.run(${quote(name)})\nrun.metrics`,
  compare: ({ parts }) => runs(parts),
  model: ({ name }) => `model = ml.model(${quote(name)}).load()\nmodel`,
  version: ({ name, at }) =>
    `model = ml.model(${quote(at ? `${name}@${at}` : name)}).load()\nmodel`,
  deployment: ({ name }) => `deployment = ml.deployment(${quote(name)})\ndeployment`,
  monitor: ({ name }) => `requests = ml.monitor(${quote(name)}).frame()\nrequests`,
  alert: ({ name }) => `ml.alert(${quote(name)})`
};

function columns(refs: readonly IRef[]): string {
  const dataset = refs[0]?.parts[0] ?? '';
  const names = refs.map(({ parts }) => parts[1] ?? '');
  // A name of their own: the one of the dataset is, as a rule, the frame with all columns.
  const own = names.length === 1 ? variable(names[0] ?? '') : `${variable(dataset)}_columns`;
  return frame(own, `ml.dataset(${quote(dataset)}).scan().select(${names.map(quote).join(', ')})`);
}

/**
 * A lazy frame under a name, and its first rows, since a cell that shows nothing tells nobody
 * whether it is right.
 */
const frame = (name: string, made: string): string =>
  `${name} = ${made}\n${name}.head(5).collect()`;

function features(names: readonly string[]): string {
  return [
    `features = [${names.map(quote).join(', ')}]`,
    'entities = ml.features(features).examples()  # example rows: put your own here',
    'train = ml.features(features).training_set(entities)',
    'train'
  ].join('\n');
}

function runs(ids: readonly string[]): string {
  return `runs = ml.runs([${ids.map(quote).join(', ')}])\nruns.frame()`;
}

/** Rows of one kind that have a common form: columns of a dataset, features, runs. */
function together(kind: string, refs: readonly IRef[]): string | null {
  if (kind === 'column') {
    return new Set(refs.map(({ parts }) => parts[0])).size === 1 ? columns(refs) : null;
  }
  const names = refs.map(({ name }) => name);
  if (kind === 'feature') {
    return features(names);
  }
  return kind === 'run' ? runs(names) : null;
}

/**
 * The Python that gives these objects, without the import; empty for references that have no form.
 */
export function pythonFor(references: readonly string[]): string {
  const parsed = references.map(parseRef).filter(ref => ref !== null);
  const kinds = new Set(parsed.map(ref => ref.kind));
  if (parsed.length > 1 && kinds.size === 1) {
    const [kind] = kinds;
    const joint = together(kind ?? '', parsed);
    if (joint) {
      return joint;
    }
  }
  return parsed
    .map(ref => FORMS[ref.kind]?.(ref) ?? '')
    .filter(Boolean)
    .join('\n');
}
