import '../../style/monitoring.css';

import React, { useState } from 'react';

import type { ICodeCall } from '../api/client';
import type { ApiError } from '../api/errors';
import { asApiError } from '../api/errors';
import type { IBacktest, IRuleBacktest } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Progress } from '../components/progress';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** The days at first. */
export const DAYS = '30';

const MOST_DAYS = 366;

/** Those that were typed; null for what is no number of days. */
function daysOf(typed: string): number | null {
  const count = Number(typed);
  return count > 0 && count <= MOST_DAYS ? count : null;
}

/** The same back-test by every door. */
export const backtestCall = (file: string, days: string): { call: ICodeCall; faulty: boolean } => ({
  call: { call: 'monitors-backtest', values: { file, days: daysOf(days) ?? Number(DAYS) } },
  faulty: daysOf(days) === null
});

interface IBacktestProps {
  /** As typed. */
  days: string;
  onDays: (days: string) => void;
  /** Ask for that many days. */
  ask: (days: number) => Promise<IBacktest>;
  /** Why it cannot be asked. */
  blocked?: string | null;
  /** What the result is of: it is old when that changes. */
  of: string;
}

interface IAnswer {
  of: string;
  found?: IBacktest;
  error?: ApiError;
}

/** Rules on the recorded history: how often, when and for how long they would have fired. */
export function Backtest({ days, onDays, ask, blocked, of }: IBacktestProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<IAnswer | null>(null);
  const count = daysOf(days);
  const wrong = count === null;
  const start = async (): Promise<void> => {
    if (wrong) {
      return;
    }
    setBusy(true);
    try {
      setAnswer({ of, found: await ask(count) });
    } catch (error) {
      setAnswer({ of, error: asApiError(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section aria-label={trans.__('Back-test')}>
      <Heading
        title={trans.__('Back-test')}
        note={trans.__('on the history; nothing is armed or told')}
      >
        <form
          className={cx('monitoring-ask')}
          onSubmit={event => {
            event.preventDefault();
            void start();
          }}
        >
          <Field
            label={trans.__('days')}
            type="number"
            min={1}
            max={MOST_DAYS}
            width={60}
            value={days}
            onChange={onDays}
            {...(wrong && { fault: trans.__('1 to 366') })}
          />
          <Button
            submit
            label={busy ? trans.__('Replaying…') : trans.__('Back-Test')}
            caption={blocked ?? trans.__('Would it have fired, how often, for how long?')}
            disabled={busy || wrong || Boolean(blocked)}
          />
        </form>
      </Heading>
      {busy && <Progress fraction={null} label={trans.__('Measuring the history again')} />}
      {answer?.error && <ErrorCard error={answer.error} retry={() => void start()} />}
      {answer?.found && (
        <div aria-live="polite">
          {answer.of !== of && (
            <p className={cx('more')}>{trans.__('The rules have changed since.')}</p>
          )}
          <Result found={answer.found} />
        </div>
      )}
    </section>
  );
}

function Result({ found }: { found: IBacktest }): React.ReactElement {
  const { trans } = useWorkbench();
  const [start, end] = [Date.parse(found.since), Date.parse(found.until)];
  return (
    <>
      <ul className={cx('monitoring-tests')}>
        {found.rules.map(rule => (
          <li key={`${rule.monitor} ${rule.rule}`} data-fired={rule.fired}>
            <Sentence rule={rule} days={(end - start) / 86_400_000} />
            <Episodes rule={rule} start={start} end={end} />
          </li>
        ))}
      </ul>
      <p className={cx('more')}>
        {trans.__(
          '%1 to %2, an evaluation every %3',
          ...format.ends(found.since, found.until),
          format.span(found.step_seconds)
        )}
      </p>
    </>
  );
}

function Sentence({ rule, days }: { rule: IRuleBacktest; days: number }): React.ReactElement {
  const { trans } = useWorkbench();
  const { fired, measured, windows } = rule;
  const unknown = !measured;
  // Silence says little where most of the time could not be judged.
  const quiet = measured * 2 < windows ? 'no_data' : 'ok';
  return (
    <span className={cx('monitoring-test')}>
      <State state={unknown ? 'no_data' : fired ? 'firing' : quiet} bare />
      <b>{rule.rule}</b> <span className={cx('quiet')}>{rule.monitor}</span>
      <span>
        {unknown ? (
          rule.note
        ) : (
          <>
            {trans._n(
              'would have fired once in %2',
              'would have fired %1 times in %2',
              fired,
              format.span(Math.round(days * 86_400))
            )}
            {rule.firing_seconds > 0 && (
              <>
                {', '}
                <Num
                  value={rule.firing_seconds}
                  format={value => format.span(Number(value))}
                  unit={trans.__('in all')}
                />
              </>
            )}
          </>
        )}
      </span>
      {!unknown && rule.note && <span className={cx('quiet')}>{rule.note}</span>}
    </span>
  );
}

/** When it would have fired, as bars over the time that was replayed. */
function Episodes({
  rule,
  start,
  end
}: {
  rule: IRuleBacktest;
  start: number;
  end: number;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const across = (moment: number): number => (moment - start) / Math.max(1, end - start);
  return (
    <span
      className={cx('monitoring-episodes')}
      role="img"
      aria-label={trans._n(
        '%1 episode of %2',
        '%1 episodes of %2',
        rule.episodes.length,
        rule.rule
      )}
    >
      {rule.episodes.map(episode => {
        const from = across(Date.parse(episode.since));
        const to = across(episode.until ? Date.parse(episode.until) : end);
        const words = trans.__(
          '%1 for %2, worst %3 %4',
          format.time(episode.since),
          format.span(episode.seconds),
          format.number(episode.peak, 3),
          episode.subject
        );
        return (
          <i
            key={`${episode.alert} ${episode.since}`}
            title={words}
            style={{
              left: `min(${from * 100}%, 100% - 3px)`,
              width: `max(3px, ${(to - from) * 100}%)`
            }}
          />
        );
      })}
    </span>
  );
}
