import '../../style/features.css';

import React, { useState } from 'react';

import { type ApiError, asApiError } from '../api/errors';
import { Button } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { InlineForm } from '../components/form';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { ended } from '../jobs/ended';
import { formatRef } from '../refs';

const NAME = /^[a-z_][a-z0-9_]*$/;
const DATASET = /^[^\s.]+\.[^\s.]+$/;
const OFFERED = 50;

const START = `from feast import Entity, FeatureView, Field
from feast.types import Float64
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)

user_stats = FeatureView(
    name="user_stats",
    entities=[user],
    schema=[Field(name="spend", dtype=Float64)],
    source=DatasetSource(dataset="shop.users", timestamp_field="at"),
)
`;

/** The variable of the first view in a text. */
const viewIn = (text: string): string => /^(\w+) = FeatureView\($/m.exec(text)?.[1] ?? '';

/**
 * Writes a definition file of the feature repository, which the server tries first. The text starts
 * from the columns of a dataset; one that the user has changed stays, above it.
 */
export function DefineForm({ onClose }: { onClose: () => void }): React.ReactElement {
  const { client, events, trans } = useWorkbench();
  const { run, busy } = useAction();
  const [refused, refuse] = useState<ApiError | null>(null);
  const [name, setName] = useState('user_stats');
  const [text, setText] = useState(START);
  const [started, setStarted] = useState({ dataset: '', text: START });
  const [dataset, setDataset] = useState('');
  const { data: datasets } = useQuery('datasets:offered', signal =>
    client.catalog.list({ limit: OFFERED }, signal)
  );
  const startable = DATASET.test(dataset);
  const ready = NAME.test(name) && text.trim() !== '';
  const send = async (): Promise<void> => {
    const done = await run(async () => {
      refuse(null);
      try {
        await ended(client, await client.features.define(name, text));
      } catch (error) {
        refuse(asApiError(error));
        throw error;
      }
      events.tell({ topic: 'view', ref: formatRef('view', name), data: {} });
    });
    if (done) {
      onClose();
    }
  };
  const start = (): Promise<boolean> =>
    run(async () => {
      const { python = '' } = await client.code({ call: 'features-start', values: { dataset } });
      const kept = text !== started.text;
      setText(kept ? `${text.trimEnd()}\n\n${python}` : python);
      setStarted({ dataset, text: kept ? started.text : python });
      setName(kept ? name : viewIn(python) || name);
    });
  return (
    <InlineForm
      label={trans.__('Define feature views')}
      onSubmit={() => void (startable && dataset !== started.dataset ? start() : ready && send())}
      onClose={onClose}
    >
      <Field
        label={trans.__('File')}
        value={name}
        onChange={setName}
        unit=".py"
        fault={NAME.test(name) ? '' : trans.__('Small letters, digits and _')}
        focus
      />
      <Field
        label={trans.__('Dataset')}
        value={dataset}
        placeholder="shop.users"
        options={datasets?.items.map(item => ({ value: item.name, label: item.description }))}
        width={150}
        onChange={setDataset}
      />
      <Button
        label={trans.__('Start from It')}
        caption={trans.__(
          'Write a view of its columns, with a guessed key and time; a text that you changed stays above'
        )}
        disabled={busy || !startable}
        onClick={() => void start()}
      />
      <textarea
        className={cx('input', 'features-definition')}
        rows={14}
        aria-label={trans.__('Feast definitions')}
        spellCheck={false}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      {refused && <ErrorCard error={refused} />}
      <Button
        kind="primary"
        label={busy ? trans.__('Trying…') : trans.__('Define')}
        caption={trans.__('Try the definitions beside the others, write the file and apply it')}
        disabled={busy || !ready}
        onClick={() => void send()}
      />
    </InlineForm>
  );
}
