import { parseRef } from '../refs';

/** A Python string literal: JSON's escapes are all Python's too. */
const quote = (text: string): string => JSON.stringify(text);

/** A name that Python takes as a variable, made from the last part of an object's name. */
export function variable(name: string): string {
  const last = name.split(/[./:]/).pop() ?? name;
  const plain = last.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase();
  return /^[a-z]/.test(plain) ? plain : `x${plain ? `_${plain}` : ''}`;
}

type Form = (name: string, at: string | null) => string;

const FORMS: Readonly<Record<string, Form>> = {
  dataset: (name, at) => `${variable(name)} = ml.dataset(${quote(name)}).scan(${at ? `snapshot=${quote(at)}` : ''})`,
  column: name => columns([name]),
  view: name => features([`${name}:*`]),
  feature: name => features([name]),
  job: name => `job = ml.job(${quote(name)})\nprint(job.logs(tail=50))`,
  pipeline: name => `ml.pipeline(${quote(name)})`,
  step: name => `ml.pipeline(${quote(name.split('/')[0] ?? name)})`,
  experiment: name => `runs = ml.runs(${quote(name)})\nruns.frame()`,
  run: name => `run = ml.run(${quote(name)})\nrun.metrics`,
  compare: name => runs(name.split(',')),
  model: name => `model = ml.model(${quote(`${name}@champion`)}).load()`,
  version: (name, at) => `model = ml.model(${quote(at ? `${name}@${at}` : name)}).load()`,
  deployment: name => `deployment = ml.deployment(${quote(name)})\ndeployment`,
  monitor: name => `requests = ml.monitor(${quote(name)}).frame()\nrequests`,
  alert: name => `ml.alert(${quote(name)})`
};

function columns(names: readonly string[]): string {
  const dataset = (names[0] ?? '').split('.').slice(0, -1).join('.');
  const picked = names.map(name => quote(name.slice(dataset.length + 1))).join(', ');
  return `${variable(dataset)} = ml.dataset(${quote(dataset)}).scan().select(${picked})`;
}

function features(names: readonly string[]): string {
  return [
    `features = [${names.map(quote).join(', ')}]`,
    'entities = ml.workbench().features.examples(features)  # example rows: put your own here',
    'train = ml.features(features).train(entities)',
    'train'
  ].join('\n');
}

function runs(ids: readonly string[]): string {
  return `runs = ml.runs([${ids.map(quote).join(', ')}])\nruns.frame()`;
}

/** Rows of one kind that have a common form: columns of a dataset, features, runs. */
function together(kind: string, names: readonly string[]): string | null {
  if (kind === 'column') {
    const datasets = new Set(names.map(name => name.split('.').slice(0, -1).join('.')));
    return datasets.size === 1 ? columns(names) : null;
  }
  if (kind === 'feature') {
    return features(names);
  }
  return kind === 'run' ? runs(names) : null;
}

/** The Python that gives these objects, without the import; empty for references that have no form. */
export function pythonFor(references: readonly string[]): string {
  const parsed = references.map(parseRef).filter(ref => ref !== null);
  const kinds = new Set(parsed.map(ref => ref.kind));
  if (parsed.length > 1 && kinds.size === 1) {
    const [kind] = kinds;
    const joint = together(
      kind ?? '',
      parsed.map(ref => ref.name)
    );
    if (joint) {
      return joint;
    }
  }
  return parsed
    .map(({ kind, name, at }) => FORMS[kind]?.(name, at) ?? '')
    .filter(Boolean)
    .join('\n');
}
