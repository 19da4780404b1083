import type { IColumn } from '../api/types';
import { variable } from '../code/python';

const FEAST: readonly [type: RegExp, field: string][] = [
  [/^u?i\d+$/, 'Int64'],
  [/^f\d+$/, 'Float64'],
  [/^bool$/, 'Bool']
];
const KEYS: readonly [type: RegExp, value: string][] = [
  [/^str$/, 'STRING'],
  [/^u?i\d+$/, 'INT64']
];
const MOMENT = /^ts\b/;

const found = (table: readonly [RegExp, string][], { type }: IColumn): string | undefined =>
  table.find(([pattern]) => pattern.test(type))?.[1];

/**
 * Code that writes the definition of a view over a dataset and applies it: the first text (else
 * whole number) is the key, the first moment the time at which a value became known, and the next
 * numbers are the features. Null for a dataset that has not all of them.
 */
export function exampleOf(dataset: string, columns: readonly IColumn[]): string | null {
  const moment = columns.find(({ type }) => MOMENT.test(type));
  const key =
    columns.find(({ type }) => type === 'str') ?? columns.find(column => found(KEYS, column));
  const features = columns.filter(column => column !== key && found(FEAST, column)).slice(0, 3);
  if (!moment || !key || !features.length) {
    return null;
  }
  const text = JSON.stringify;
  const name = `${variable(dataset)}_example`;
  const types = [...new Set(features.map(column => found(FEAST, column)))].sort().join(', ');
  const fields = features.map(
    column => `        Field(name=${text(column.name)}, dtype=${found(FEAST, column)}),`
  );
  const definition = [
    'from datetime import timedelta',
    '',
    'from feast import Entity, FeatureView, Field',
    `from feast.types import ${types}`,
    'from feast.value_type import ValueType',
    '',
    'from jupyter_mlinfra.features import DatasetSource',
    '',
    `key = Entity(name=${text(key.name)}, join_keys=[${text(key.name)}], value_type=ValueType.${found(KEYS, key)})`,
    '',
    `${name} = FeatureView(`,
    `    name=${text(name)},`,
    '    entities=[key],',
    '    ttl=timedelta(0),  # how long a value may be used; 0 is for ever',
    '    schema=[',
    ...fields,
    '    ],',
    `    source=DatasetSource(dataset=${text(dataset)}, timestamp_field=${text(moment.name)}),`,
    ')'
  ].join('\n');
  return [
    'from pathlib import Path',
    '',
    "definition = '''\\",
    definition.replace(/[\\']/g, '\\$&'),
    "'''",
    'bench = ml.workbench()',
    `file = Path(bench.project.root, bench.project.settings.features.repo, ${text(`${name}.py`)})`,
    'file.parent.mkdir(exist_ok=True)',
    'file.write_text(definition, encoding="utf-8")',
    'bench.features.apply()'
  ].join('\n');
}
