import React, { useState } from 'react';

import type { IView } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';

/** Write a range of event times, in parts: a job, whose page shows how far it is and cancels it. */
export function Backfill({ view }: { view: IView }): React.ReactElement {
  const { client, trans, open } = useWorkbench();
  const [since, setSince] = useState('');
  const [until, setUntil] = useState('');
  const [every, setEvery] = useState('1d');
  const { run, busy } = useAction();

  const begin = (): Promise<boolean> =>
    run(async () => {
      const range = {
        start: `${since}T00:00:00Z`,
        end: until ? `${until}T00:00:00Z` : undefined,
        every: every.trim() || undefined
      };
      const job = await client.features.materialize(view.name, range);
      await open(job.ref);
    });

  return (
    <>
      <Heading title={trans.__('Backfill')} note={trans.__('never replaces a newer value')} />
      <form
        className={cx('bar')}
        aria-label={trans.__('Backfill')}
        onSubmit={event => {
          event.preventDefault();
          void begin();
        }}
      >
        <Field
          label={trans.__('since')}
          type="date"
          width={130}
          value={since}
          onChange={setSince}
        />
        <Field
          label={trans.__('until')}
          type="date"
          width={130}
          value={until}
          onChange={setUntil}
        />
        <Field
          label={trans.__('in parts of')}
          width={60}
          value={every}
          placeholder="1d"
          onChange={setEvery}
        />
        <Button label={trans.__('Backfill')} disabled={!since || busy} submit />
        <ActionButton
          command="mlinfra:features-check"
          target={view}
          label={trans.__('Compare with Source')}
          busyLabel={trans.__('Comparing…')}
        />
      </form>
    </>
  );
}
