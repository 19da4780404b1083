import '../../style/pipelines.css';

import { PathExt } from '@jupyterlab/coreutils';
import React, { useId, useState } from 'react';

import { ApiError } from '../api/errors';
import { type Need, NEEDS, needWords } from '../api/needs';
import type { IPipelinesClient } from '../api/pipelines';
import type { IFault, IStep } from '../api/types';
import { Button, Link } from '../components/button';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import { BackendField } from '../jobs/backend';
import { relative } from './changes';
import type { IText } from './draft';

interface IStepFormProps {
  step: IStep;
  /** Its parameters as YAML. */
  written: string;
  /** The file, below the project. */
  path: string;
  text: IText;
  disabled: boolean;
  onRename: (name: string) => void;
  onClose: () => void;
}

interface IStepFields extends Record<StepNeed, string> {
  name: string;
  notebook: string;
  in: string;
  out: string;
  params: string;
}

/** A step has no place in the queue of its own. */
type StepNeed = Exclude<Need, 'priority'>;
const STEP_NEEDS = (Object.keys(NEEDS) as Need[]).filter(
  (key): key is StepNeed => key !== 'priority'
);
/** What stands in the step itself; the rest stands under `resources:` in the file. */
const OWN: readonly StepNeed[] = ['time_limit_minutes', 'retries'];
const RESOURCES = STEP_NEEDS.filter(key => !OWN.includes(key));
const isNumber = (key: StepNeed): boolean => NEEDS[key].kind !== 'word';

/** A need as the file has it; null for none, undefined for what is no number of its kind. */
export function readNeed(key: StepNeed, text: string): string | number | null | undefined {
  const word = text.trim();
  if (!word || !isNumber(key)) {
    return word || null;
  }
  const value = Number(word);
  const { kind } = NEEDS[key];
  // A step without a CPU would never be counted.
  const least = key === 'cpus' ? 1 : kind === 'number' ? Number.MIN_VALUE : 0;
  const whole = kind === 'whole' || (kind === 'share' && value >= 1);
  return value >= least && Number.isFinite(value) && (!whole || Number.isInteger(value))
    ? value
    : undefined;
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);

/** The typing rests this long, in milliseconds, before parameters are looked at. */
const REST = 300;

const wordsOf = ({ what, why, fix }: IFault): string => [what, why, fix].filter(Boolean).join(' ');

/** What is wrong with parameters that are typed: the server reads them as it reads the file. */
function useFault(params: string, typed: boolean): string | undefined {
  const { client } = useWorkbench();
  const settled = useSettled(typed ? params : '', REST);
  const { data } = useQuery(
    `params:${settled}`,
    signal => client.pipelines.editParameters('', ['params'], settled, signal),
    { when: settled !== '', every: () => null }
  );
  return data?.fault && settled === params ? wordsOf(data.fault) : undefined;
}

function fieldsOf(step: IStep, written: string, path: string): IStepFields {
  const folder = PathExt.dirname(path);
  const here = (texts: readonly string[]): string =>
    texts.map(text => relative(text, folder)).join('\n');
  return {
    name: step.name,
    notebook: relative(step.notebook, folder),
    in: here(step.inputs),
    out: here(step.outputs),
    params: written,
    ...(Object.fromEntries(STEP_NEEDS.map(key => [key, String(step[key] ?? '')])) as Record<
      StepNeed,
      string
    >)
  };
}

interface ITyped {
  fields: IStepFields;
  /** What differs from the graph, or from the text. */
  changed: readonly (keyof IStepFields)[];
  set: (change: Partial<IStepFields>) => void;
  applied: boolean;
  onApplied: () => void;
}

/**
 * What is typed over the fields. It stays while the text that it made has a fault, and so no graph:
 * then it is mended from here.
 */
function useTyped(start: IStepFields, disabled: boolean): ITyped {
  const [changes, setChanges] = useState<Partial<IStepFields>>({});
  const [applied, setApplied] = useState<readonly (keyof IStepFields)[]>([]);
  if (!disabled && applied.length) {
    setChanges({});
    setApplied([]);
  }
  const fields = { ...start, ...changes };
  const changed = (Object.keys(start) as (keyof IStepFields)[]).filter(
    key => fields[key] !== start[key] || applied.includes(key)
  );
  return {
    fields,
    changed,
    set: change => setChanges({ ...changes, ...change }),
    applied: applied.length > 0,
    onApplied: () => setApplied(changed)
  };
}

/** The text of the file with what differs in the fields of a step. */
async function rewritten(
  client: Pick<IPipelinesClient, 'edit' | 'editParameters' | 'rename'>,
  before: string,
  step: string,
  fields: IStepFields,
  differs: (key: keyof IStepFields) => boolean
): Promise<{ readonly text: string }> {
  const values: readonly [keyof IStepFields, unknown, string?][] = [
    ['notebook', fields.notebook],
    ['in', lines(fields.in).length ? lines(fields.in) : null],
    ['out', lines(fields.out).length ? lines(fields.out) : null],
    ...OWN.map((key): [StepNeed, unknown] => [key, readNeed(key, fields[key])]),
    ...RESOURCES.map((key): [StepNeed, unknown, string] => [
      key,
      readNeed(key, fields[key]),
      'resources'
    ])
  ];
  let now = before;
  for (const [key, value, inside] of values.filter(([key]) => differs(key))) {
    now = (await client.edit(now, ['steps', step, ...(inside ? [inside] : []), key], value)).text;
  }
  if (differs('params')) {
    const edited = await client.editParameters(now, ['steps', step, 'params'], fields.params);
    if (edited.fault) {
      throw new ApiError('unprocessable', edited.fault.what, edited.fault.why, edited.fault.fix);
    }
    now = edited.text;
  }
  return differs('name') ? client.rename(now, step, fields.name) : { text: now };
}

/** The properties of a step; what is changed goes into the text. */
export function StepForm(props: IStepFormProps): React.ReactElement {
  const { step, written, path, text, disabled, onRename, onClose } = props;
  const { client, trans } = useWorkbench();
  const openFile = useOpenFile();
  const { fields, changed, set, applied, onApplied } = useTyped(
    fieldsOf(step, written, path),
    disabled
  );
  const differs = (key: keyof IStepFields): boolean => changed.includes(key);
  const fault = useFault(fields.params, differs('params'));
  const bad = STEP_NEEDS.filter(
    key => isNumber(key) && differs(key) && readNeed(key, fields[key]) === undefined
  );
  const apply = async (): Promise<void> => {
    if (
      await text.change(before => rewritten(client.pipelines, before, step.name, fields, differs))
    ) {
      onRename(fields.name);
      onApplied();
    }
  };
  return (
    <form
      className={cx('pipelines-step-form')}
      aria-label={trans.__('Properties of %1', step.name)}
      onKeyDown={event => event.key === 'Escape' && onClose()}
      onSubmit={event => {
        event.preventDefault();
        void apply();
      }}
    >
      <Heading title={trans.__('Step')}>
        <Button bare kind="quiet" icon="close" label={trans.__('Close')} onClick={onClose} />
      </Heading>
      <Field
        label={trans.__('name')}
        width={180}
        focus
        value={fields.name}
        onChange={name => set({ name })}
      />
      <Field
        label={trans.__('notebook')}
        width={180}
        value={fields.notebook}
        onChange={notebook => set({ notebook })}
      />
      <Lines label={trans.__('takes')} value={fields.in} onChange={value => set({ in: value })} />
      <Lines label={trans.__('makes')} value={fields.out} onChange={value => set({ out: value })} />
      <Lines
        label={trans.__('params')}
        value={fields.params}
        placeholder="k: 5"
        fault={fault}
        onChange={value => set({ params: value })}
      />
      <Heading title={trans.__('Needs')} note={trans.__('empty for the default of the file')} />
      <Needs fields={fields} bad={bad} set={set} />
      <div className={cx('actions')}>
        <Button
          kind="primary"
          label={trans.__('Apply')}
          disabled={
            (disabled && !applied) ||
            text.busy ||
            !changed.length ||
            bad.length > 0 ||
            fault !== undefined ||
            !fields.name ||
            !fields.notebook
          }
          submit
        />
        <Link onClick={() => openFile(step.notebook)}>{trans.__('Open Notebook')}</Link>
      </div>
    </form>
  );
}

interface INeedsProps {
  fields: IStepFields;
  bad: readonly StepNeed[];
  set: (change: Partial<IStepFields>) => void;
}

/** What the job of a step asks for. */
function Needs({ fields, bad, set }: INeedsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const words = needWords(trans);
  return (
    <>
      {STEP_NEEDS.map(key =>
        key === 'backend' ? (
          <BackendField
            key={key}
            none={trans.__('as the file says')}
            width={180}
            value={fields.backend}
            onChange={backend => set({ backend })}
          />
        ) : (
          <Field
            key={key}
            label={words[key].label}
            width={isNumber(key) ? 80 : 180}
            unit={words[key].unit || undefined}
            value={fields[key]}
            fault={bad.includes(key) ? trans.__('No such number.') : undefined}
            onChange={value => set({ [key]: value })}
          />
        )
      )}
    </>
  );
}

interface ILinesProps {
  label: string;
  value: string;
  fault?: string;
  placeholder?: string;
  onChange: (value: string) => void;
}

/** A labelled input of several lines. */
function Lines({ label, value, fault, placeholder, onChange }: ILinesProps): React.ReactElement {
  const id = useId();
  return (
    <span className={cx('field')}>
      <label htmlFor={id}>{label}</label>
      <span>
        <textarea
          id={id}
          className={cx('input', 'pipelines-lines')}
          rows={Math.min(6, Math.max(2, value.split('\n').length))}
          value={value}
          placeholder={placeholder}
          spellCheck={false}
          aria-invalid={Boolean(fault)}
          onChange={event => onChange(event.target.value)}
        />
        {fault && <span className={cx('tone-bad')}>{fault}</span>}
      </span>
    </span>
  );
}
