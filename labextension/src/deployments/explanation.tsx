import '../../style/deployments.css';

import React, { useState } from 'react';

import type { IExplainedAnswers } from '../api/types';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Select } from '../components/select';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** More inputs than this are named in one line. */
const BARS_SHOWN = 20;

/** One input's part of an answer. */
export interface IPart {
  name: string;
  value: unknown;
  amount: number;
  error: number | null;
}

/** The parts of an answer, the largest first. */
export function partsOf(explanation: IExplainedAnswers, output: number): readonly IPart[] {
  const row = explanation.rows[0];
  if (!row) {
    return [];
  }
  return explanation.inputs
    .map((name, at) => ({
      name,
      value: row.values[at],
      amount: row.contributions[output]?.[at] ?? 0,
      error: row.errors?.[output]?.[at] ?? null
    }))
    .sort((one, other) => Math.abs(other.amount) - Math.abs(one.amount));
}

interface IExplanationProps {
  explanation: IExplainedAnswers;
}

/** What each input contributed to the answer to the first row, as bars left and right of a line. */
export function Explanation({ explanation }: IExplanationProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const { outputs } = explanation;
  // Of two classes the second, which is the one that a model is trained to find.
  const [chosen, setChosen] = useState(outputs.length === 2 ? 1 : 0);
  const output = Math.min(chosen, outputs.length - 1);
  const row = explanation.rows[0];
  if (!row) {
    return null;
  }
  const parts = partsOf(explanation, output);
  const shown = parts.slice(0, BARS_SHOWN);
  const rest = parts.slice(BARS_SHOWN);
  const widest = Math.max(...parts.map(({ amount }) => Math.abs(amount)), Number.MIN_VALUE);
  return (
    <>
      <Heading title={trans.__('Contributions')} note={<Method explanation={explanation} />}>
        {outputs.length > 1 && (
          <Select
            bare
            label={trans.__('Output')}
            value={String(output)}
            options={outputs.map((name, at) => ({ value: String(at), label: name }))}
            onChange={value => setChosen(Number(value))}
          />
        )}
      </Heading>
      <div className={cx('inset')}>
        <ul className={cx('deployments-parts')} aria-label={trans.__('Contributions')}>
          {shown.map(part => (
            <Bar key={part.name} part={part} widest={widest} />
          ))}
        </ul>
        {rest.length > 0 && (
          <p className={cx('more')}>
            {trans._n(
              '%1 more input: %2',
              '%1 more inputs: %2 together',
              rest.length,
              signed(rest.reduce((sum, { amount }) => sum + amount, 0))
            )}
          </p>
        )}
        <p className={cx('more')}>
          {trans.__('base')} <Num value={row.base[output]} format={number} />
          {' + '}
          {trans.__('contributions')}
          {' = '}
          <Num value={row.total[output]} format={number} /> (
          {explanation.scale === 'raw margin' ? trans.__('raw margin') : trans.__('answer')})
        </p>
      </div>
    </>
  );
}

function Method({ explanation }: IExplanationProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { method, exact, background, version } = explanation;
  return (
    <>
      {method}, {exact ? trans.__('exact') : trans.__('estimated')} · {version}
      {background > 0 &&
        ` · ${trans._n('against %1 row of the sample', 'against %1 rows of the sample', background)}`}
    </>
  );
}

interface IBarProps {
  part: IPart;
  widest: number;
}

function Bar({ part, widest }: IBarProps): React.ReactElement {
  const { trans } = useWorkbench();
  const share = (50 * Math.abs(part.amount)) / widest;
  const error =
    part.error === null ? undefined : trans.__('standard error %1', format.number(part.error, 3));
  return (
    <li title={error}>
      <span className={cx('deployments-part-name')}>
        {part.name} <span className={cx('deployments-part-value')}>{format.cell(part.value)}</span>
      </span>
      <span className={cx('deployments-part-track')} aria-hidden="true">
        <span
          className={part.amount < 0 ? cx('is-down') : cx('is-up')}
          style={{ width: `${share}%`, [part.amount < 0 ? 'right' : 'left']: '50%' }}
        />
      </span>
      <span className={cx('is-end')}>{signed(part.amount)}</span>
    </li>
  );
}

const number = (value: unknown): string => format.number(value, 4);

const signed = (amount: number): string => `${amount > 0 ? '+' : ''}${format.number(amount, 3)}`;
