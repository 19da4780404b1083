import '../../style/monitoring.css';

import React, { useState } from 'react';

import type { IRuleChange } from '../api/monitoring';
import type { IDraftRule, IRuleDraft } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { choices, Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import type { IText } from '../pipelines/draft';
import { changeOf, type FieldKind, read, shown } from './rulevalues';

const FIRST = { name: 'new-rule', metric: 'psi', op: '>=', threshold: 0.2, for: '30min' };

interface IRuleFormsProps {
  draft: IRuleDraft;
  /** Whether the draft is of an earlier text. What a press would change is not known yet. */
  old: boolean;
  text: IText;
  onLine: (line: number) => void;
}

/** The rules of a file as forms: each change is made in the text, where the rest stays. */
export function RuleForms({ draft, old, text, onLine }: IRuleFormsProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [at, setAt] = useState(0);
  const busy = old || text.busy;
  const rule = draft.rules[Math.min(at, draft.rules.length - 1)];
  const edit = (change: IRuleChange): Promise<boolean> =>
    text.change(before => client.monitoring.editRules(before, change));
  const add = (): void =>
    void edit({ values: { ...FIRST, name: free(draft.rules) } }).then(
      done => done && setAt(draft.rules.length)
    );
  if (!rule) {
    return draft.faults.length && text.text.trim() ? (
      <EmptyCard
        sentence={trans.__('The text cannot be read as rules yet; what is wrong stands beside it.')}
      />
    ) : (
      <EmptyCard
        sentence={trans.__('A rule compares a figure of a monitor with a threshold.')}
        action={{ label: trans.__('Add a Rule'), onClick: add }}
      />
    );
  }
  return (
    <section aria-label={trans.__('Rules of the file')}>
      <Heading
        title={trans.__('Rules')}
        note={
          draft.monitor ? trans.__('of monitor %1', draft.monitor) : trans.__('of all monitors')
        }
      >
        <Button label={trans.__('Add Rule')} disabled={busy} onClick={add} />
      </Heading>
      <div className={cx('monitoring-rule-list')} role="group" aria-label={trans.__('Rule')}>
        {draft.rules.map((item, index) => (
          <Button
            key={item.place}
            label={shown(item, ['name']) || trans.__('rule %1', index + 1)}
            pressed={item === rule}
            onClick={() => {
              setAt(index);
              onLine(item.line);
            }}
          />
        ))}
      </div>
      <Form key={rule.place} rule={rule} draft={draft} busy={busy} edit={edit} />
    </section>
  );
}

/** A name that no rule has. */
function free(rules: readonly IDraftRule[]): string {
  const taken = new Set(rules.map(rule => rule.values.name));
  let name: string = FIRST.name;
  for (let number = 2; taken.has(name); number++) {
    name = `${FIRST.name}-${number}`;
  }
  return name;
}

interface IFormProps {
  rule: IDraftRule;
  draft: IRuleDraft;
  busy: boolean;
  edit: (change: IRuleChange) => Promise<boolean>;
}

function Form({ rule, draft, busy, edit }: IFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  const set = (path: readonly string[], value: unknown): void =>
    void edit({ place: rule.place, values: changeOf(rule, path, value) });
  const field = (
    path: readonly string[],
    label: string,
    kind: FieldKind,
    more: { width?: number; placeholder?: string } = {}
  ): React.ReactElement => (
    <ValueField
      key={path.join('.')}
      label={label}
      kind={kind}
      value={shown(rule, path)}
      onValue={value => set(path, value)}
      {...more}
    />
  );
  const select = (
    key: string,
    label: string,
    words: readonly string[],
    usual: string
  ): React.ReactElement => (
    <Select
      key={key}
      label={label}
      value={shown(rule, [key]) || usual}
      options={choices(words, shown(rule, [key]) || usual)}
      onChange={value => set([key], value === usual ? null : value)}
    />
  );
  const armed = rule.values.enabled !== false;
  return (
    <div className={cx('monitoring-form')} role="group" aria-label={trans.__('The rule')}>
      <Armed armed={armed} busy={busy} onChange={() => set(['enabled'], armed ? false : null)} />
      {field(['name'], trans.__('name'), 'text', { width: 130 })}
      <Select
        label={trans.__('metric')}
        value={shown(rule, ['metric'])}
        options={choices(draft.metrics, shown(rule, ['metric']))}
        onChange={value => set(['metric'], value)}
      />
      {select('op', trans.__('fires when value'), ['>', '>=', '<', '<='], '>=')}
      {field(['threshold'], trans.__('threshold'), 'number', { width: 80 })}
      {field(['clear'], trans.__('ends when past'), 'number', {
        width: 80,
        placeholder: shown(rule, ['threshold'])
      })}
      {field(['for'], trans.__('fires after'), 'span', { width: 80, placeholder: '0s' })}
      {field(['keep_firing_for'], trans.__('ends when good for'), 'span', {
        width: 80,
        placeholder: '0s'
      })}
      {field(['min_rows'], trans.__('minimum rows'), 'number', { width: 80, placeholder: '0' })}
      {field(['where', 'feature'], trans.__('only features'), 'names', {
        width: 130,
        placeholder: trans.__('all')
      })}
      {field(['where', 'segment'], trans.__('only segments'), 'names', {
        width: 130,
        placeholder: trans.__('all rows')
      })}
      {field(['by'], trans.__('one alert for each'), 'names', {
        width: 130,
        placeholder: 'feature'
      })}
      {select('severity', trans.__('severity'), ['info', 'warning', 'critical'], 'warning')}
      {select('no_data', trans.__('without data'), ['keep', 'resolve', 'fire'], 'keep')}
      {field(['inhibited_by'], trans.__('not told while'), 'names', {
        width: 130,
        placeholder: trans.__('another rule fires')
      })}
      {field(['summary'], trans.__('summary'), 'text', { width: 130 })}
      <Button
        label={trans.__('Remove Rule')}
        caption={
          draft.rules.length > 1
            ? trans.__('Take it out of the text; undo brings it back')
            : trans.__('A file has at least one rule: switch it off instead.')
        }
        disabled={busy || draft.rules.length < 2}
        onClick={() => void edit({ place: rule.place, remove: true })}
      />
    </div>
  );
}

/** The switch of a rule. */
function Armed({
  armed,
  busy,
  onChange
}: {
  armed: boolean;
  busy: boolean;
  onChange: () => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <label className={cx('monitoring-armed')}>
      <input
        type="checkbox"
        checked={armed}
        aria-disabled={busy} // it keeps the focus
        onChange={() => busy || onChange()}
      />{' '}
      {trans.__('armed')}
      <span className={cx('quiet')}>
        {armed
          ? trans.__('in force once the file is saved')
          : trans.__('switched off, also a built-in rule of that name')}
      </span>
    </label>
  );
}

interface IValueFieldProps {
  label: string;
  kind: FieldKind;
  value: string;
  width?: number;
  placeholder?: string;
  onValue: (value: unknown) => void;
}

/** A field whose value goes into the text when it is left, or with Enter. */
function ValueField({
  label,
  kind,
  value,
  onValue,
  ...look
}: IValueFieldProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [typed, setTyped] = useState(value);
  const [of, setOf] = useState(value);
  if (of !== value) {
    setOf(value);
    setTyped(value); // the text says something else now
  }
  const found = read(typed, kind);
  const commit = (): void => {
    if (typed.trim() !== value && found !== undefined) {
      onValue(found);
    }
  };
  return (
    <span
      onBlur={commit}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          commit();
        } else if (event.key === 'Escape') {
          setTyped(value);
        }
      }}
    >
      <Field
        label={label}
        value={typed}
        onChange={setTyped}
        {...look}
        {...(found === undefined && { fault: trans.__('not a number') })}
      />
    </span>
  );
}
