import React, { useState } from 'react';

import { Button } from '../components/button';
import { Field } from '../components/field';
import { InlineForm } from '../components/form';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { parseRef } from '../refs';

const NAME = /^[^\s.]+\.[^\s.]+$/;
const OFFERED = 50;

interface IStoreFormProps {
  /** References of the features. */
  picked: readonly string[];
  onClose: () => void;
}

/** Joins the picked features to the rows of a dataset, and stores them as another one: a job. */
export function StoreForm({ picked, onClose }: IStoreFormProps): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const { run, busy } = useAction();
  const [name, setName] = useState('');
  const [entities, setEntities] = useState('');
  const [at, setAt] = useState('event_timestamp');
  const { data: datasets } = useQuery('datasets:offered', signal =>
    client.catalog.list({ limit: OFFERED }, signal)
  );
  const ready = NAME.test(name) && NAME.test(entities) && at.trim() !== '';
  const send = async (): Promise<void> => {
    const features = picked.map(ref => (parseRef(ref)?.parts ?? []).join(':'));
    const done = await run(async () => {
      const job = await client.features.snapshot({ name, features, entities, at: at.trim() });
      await open(job.ref);
    });
    if (done) {
      onClose();
    }
  };
  const fault = (text: string): string =>
    text && !NAME.test(text) ? trans.__('namespace.table') : '';
  return (
    <InlineForm
      label={trans.__('Store a training set')}
      onSubmit={() => void (ready && send())}
      onClose={onClose}
    >
      <Field
        label={trans.__('Rows of')}
        value={entities}
        placeholder={trans.__('dataset with the keys')}
        options={datasets?.items.map(item => ({ value: item.name, label: item.description }))}
        fault={fault(entities)}
        width={180}
        onChange={setEntities}
        focus
      />
      <Field label={trans.__('time in')} value={at} width={180} onChange={setAt} />
      <Field
        label={trans.__('Store as')}
        value={name}
        placeholder="ml.train"
        fault={fault(name)}
        width={180}
        onChange={setName}
      />
      <Button
        kind="primary"
        label={busy ? trans.__('Starting…') : trans.__('Store')}
        caption={trans.__(
          'With the exact versions that it comes from, so that it can be made again'
        )}
        disabled={busy || !ready}
        onClick={() => void send()}
      />
    </InlineForm>
  );
}
