import '../../style/catalog.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { IRuleChange } from '../api/catalog/quality';
import type { IDataset, Severity } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Select } from '../components/select';
import { WorkbenchContext } from '../hooks/context';
import { ended } from '../jobs/ended';
import { notify } from '../jobs/notify';
import { isActive } from '../jobs/state';
import { formatRef, parseRef } from '../refs';
import type { IWorkbench, Perform } from '../tokens';

/** As long as this, in milliseconds, its end is waited for; then it is notified of. */
const PATIENCE = 600_000;
const WIDTH = 380;

const nameOf = (ref: string): string => parseRef(ref)?.name ?? '';

/** Run all rules over all rows: a job. */
export const askAll: Perform<IDataset> = async ({ workbench, ref }) => {
  const { client, events, trans } = workbench;
  const name = nameOf(ref);
  const signal = AbortSignal.timeout(PATIENCE);
  const job = await ended(client, await client.catalog.askRules(name), { signal }).finally(() =>
    events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} })
  );
  if (isActive(job)) {
    notify(workbench, job.ref);
    return;
  }
  return { message: trans.__('No rule that blocks fails for %1.', name) };
};

/** Give a dataset a rule, and offer to undo it. */
export const addRule: Perform<IDataset> = async ({ workbench, ref, args }) => {
  const { client, events, trans } = workbench;
  const name = nameOf(ref);
  const change = (args.change as IRuleChange | undefined) ?? (await askFor(name, workbench));
  if (!change?.add?.trim()) {
    return null;
  }
  const before = new Set((await client.catalog.quality(name)).rules.map(({ rule }) => rule.rule));
  const { rules } = await client.catalog.changeRules(name, change);
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });
  const added = rules.find(({ rule }) => !before.has(rule.rule))?.rule.rule;
  return {
    message: trans.__('%1 has the rule %2.', name, added ?? change.add),
    undo:
      added === undefined
        ? undefined
        : { command: 'mlinfra:catalog-remove-rule', args: { ref, rule: added } }
  };
};

/** Take a rule from a dataset, and offer to undo it. */
export const removeRule: Perform<IDataset> = async ({ workbench, ref, args }) => {
  const { client, events, trans } = workbench;
  const name = nameOf(ref);
  const remove = args.rule as string;
  const { rules } = await client.catalog.quality(name);
  const gone = rules.find(({ rule }) => rule.rule === remove)?.rule;
  await client.catalog.changeRules(name, { remove });
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });
  return {
    message: trans.__('%1 has no rule %2 any more.', name, remove),
    undo: gone && {
      command: 'mlinfra:catalog-rule',
      args: { ref, change: { add: gone.text, severity: gone.severity, rule: gone.rule } }
    }
  };
};

/** Ask for a rule; null if the user cancels. */
async function askFor(name: string, workbench: IWorkbench): Promise<IRuleChange | null> {
  const { trans } = workbench;
  const body = new RuleBody(workbench);
  const answer = await showDialog({
    title: trans.__('Add a Rule to %1', name),
    body,
    focusNodeSelector: 'input',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Add') })]
  });
  return answer.button.accept ? body.change : null;
}

class RuleBody extends ReactWidget {
  change: IRuleChange = { add: '', severity: 'block' };

  constructor(private readonly _workbench: IWorkbench) {
    super();
  }

  protected render(): React.ReactElement {
    return (
      <WorkbenchContext.Provider value={this._workbench}>
        <RuleForm workbench={this._workbench} onChange={change => (this.change = change)} />
      </WorkbenchContext.Provider>
    );
  }
}

const EXAMPLES = [
  'id not null',
  'id not null, failed rows must be < 5 %',
  'id unique',
  'price between 0 and 100',
  'country in FR, DE',
  'mail matches ^.+@.+$',
  'buyer references shop.buyers.id',
  'rows >= 1000',
  'fresh within 26 h',
  'end >= start and abs(a - b) < 0.1',
  'SELECT * FROM {object} WHERE end < start',
  'SELECT count(*) FROM {object} WHERE price < 0 must be 0'
];

interface IRuleFormProps {
  workbench: IWorkbench;
  onChange: (change: IRuleChange) => void;
}

function RuleForm({ workbench: { trans }, onChange }: IRuleFormProps): React.ReactElement {
  const [change, setChange] = useState<IRuleChange>({ add: '', severity: 'block' });
  const set = (part: IRuleChange): void => {
    const next = { ...change, ...part };
    setChange(next);
    onChange(next);
  };
  return (
    <div className={cx('catalog-labels')}>
      <Field
        label={trans.__('rule')}
        value={change.add ?? ''}
        width={WIDTH}
        placeholder="id not null"
        options={EXAMPLES.map(value => ({ value, label: '' }))}
        onChange={add => set({ add })}
      />
      <Select
        label={trans.__('if it fails')}
        value={change.severity ?? 'block'}
        width={WIDTH}
        options={[
          { value: 'block', label: trans.__('an ingest is refused as a whole') },
          { value: 'warn', label: trans.__('the rows come in, with a warning') },
          { value: 'quarantine', label: trans.__('these rows go to quarantine') }
        ]}
        onChange={severity => set({ severity: severity as Severity })}
      />
      <Field
        label={trans.__('name')}
        value={change.rule ?? ''}
        width={WIDTH}
        placeholder={trans.__('by default its words')}
        onChange={rule => set({ rule })}
      />
    </div>
  );
}
