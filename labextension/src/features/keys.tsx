import React from 'react';

import type { IRowBlock, IViewDetail } from '../api/types';
import { Link } from '../components/button';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

/** The join keys of one entity, as text: the server knows their types. */
export type Entity = Readonly<Record<string, string>>;

/** Keys that are offered, and rows that they are looked for in. */
const OFFERED = 4;
const READ = 100;

export const trimmed = (keys: Entity, names: readonly string[]): Entity =>
  Object.fromEntries(names.map(name => [name, (keys[name] ?? '').trim()]));

interface IKeyFieldsProps {
  names: readonly string[];
  keys: Entity;
  onChange: (keys: Entity) => void;
}

/** A field for each join key. */
export function KeyFields({ names, keys, onChange }: IKeyFieldsProps): React.ReactElement {
  return (
    <>
      {names.map(name => (
        <Field
          key={name}
          label={name}
          value={keys[name] ?? ''}
          width={110}
          onChange={value => onChange({ ...keys, [name]: value })}
        />
      ))}
    </>
  );
}

/** Different keys in some rows; none if they are masked, or have other names there. */
function keysIn(rows: IRowBlock, names: readonly string[]): Entity[] {
  const columns = names.map(
    name => rows.data[rows.columns.findIndex(column => column.name === name)] ?? []
  );
  if (names.some(name => rows.masked.includes(name))) {
    return [];
  }
  const found = new Map<string, Entity>();
  for (let row = 0; row < (columns[0]?.length ?? 0); row++) {
    const values = columns.map(column => column[row]);
    if (values.every(value => typeof value === 'string' || typeof value === 'number')) {
      const entity = Object.fromEntries(names.map((name, at) => [name, String(values[at])]));
      found.set(JSON.stringify(entity), entity);
    }
  }
  return [...found.values()].slice(0, OFFERED);
}

interface IKnownKeysProps {
  detail: IViewDetail;
  onPick: (entity: Entity) => void;
}

/** Some keys of the last rows of the source, to look one up without knowing any. */
export function KnownKeys({ detail, onPick }: IKnownKeysProps): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const { view, rows, join_keys } = detail;
  const total = typeof rows.value === 'number' ? rows.value : 0;
  const { data } = useQuery(
    `keys:${view.ref}:${total}`,
    signal =>
      client.catalog.rows(
        view.dataset ?? '',
        { start: Math.max(0, total - READ), count: READ },
        signal
      ),
    { every: () => null, when: Boolean(view.dataset) && total > 0 }
  );
  const keys = data ? keysIn(data, join_keys) : [];
  return keys.length > 0 ? (
    <span className={cx('quiet')}>
      {trans.__('or one of')}{' '}
      {keys.map(entity => {
        const words = join_keys.map(name => entity[name]).join(', ');
        return (
          <React.Fragment key={words}>
            <Link title={trans.__('Ask for this key')} onClick={() => onPick(entity)}>
              {words}
            </Link>{' '}
          </React.Fragment>
        );
      })}
    </span>
  ) : null;
}
