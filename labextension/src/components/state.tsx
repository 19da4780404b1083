import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { useWorkbench } from '../hooks/context';
import { cx } from './cx';
import type { ShapeName } from './glyphs';
import { Shape } from './icon';

/** The ink of a state; it repeats what shape and word say. */
export type Tone = 'run' | 'ok' | 'wait' | 'bad' | 'cache' | 'idle';

export interface ILook {
  shape: ShapeName;
  tone: Tone;
  word: string;
}

type Words = (trans: TranslationBundle) => string;
const look = (shape: ShapeName, tone: Tone, word: Words): [ShapeName, Tone, Words] => [
  shape,
  tone,
  word
];

/** Every state of every object, so that one state looks the same wherever it stands. */
const LOOKS: Readonly<Record<string, [ShapeName, Tone, Words]>> = {
  queued: look('waiting', 'wait', trans => trans.__('queued')),
  waiting: look('waiting', 'wait', trans => trans.__('waiting')),
  held: look('paused', 'idle', trans => trans.__('held')),
  starting: look('waiting', 'run', trans => trans.__('starting')),
  scheduled: look('clock', 'idle', trans => trans.__('scheduled')),
  running: look('running', 'run', trans => trans.__('running')),
  succeeded: look('done', 'ok', trans => trans.__('succeeded')),
  finished: look('done', 'ok', trans => trans.__('finished')),
  failed: look('failed', 'bad', trans => trans.__('failed')),
  killed: look('failed', 'bad', trans => trans.__('killed')),
  cancelled: look('stopped', 'idle', trans => trans.__('cancelled')),
  lost: look('clock', 'idle', trans => trans.__('lost')),
  cached: look('cached', 'cache', trans => trans.__('cached')),
  skipped: look('none', 'idle', trans => trans.__('skipped')),
  overlap: look('missed', 'idle', trans => trans.__('skipped')),
  refused: look('missed', 'bad', trans => trans.__('failed')),
  missed: look('missed', 'wait', trans => trans.__('missed')),
  started: look('done', 'ok', trans => trans.__('started')),
  active: look('clock', 'ok', trans => trans.__('active')),
  paused: look('stopped', 'idle', trans => trans.__('paused')),
  rolled_back: look('failed', 'bad', trans => trans.__('rolled back')),
  healthy: look('live', 'ok', trans => trans.__('healthy')),
  degraded: look('half', 'wait', trans => trans.__('degraded')),
  down: look('stopped', 'bad', trans => trans.__('down')),
  building: look('waiting', 'run', trans => trans.__('building')),
  testing: look('half', 'run', trans => trans.__('testing')),
  ready: look('live', 'ok', trans => trans.__('ready')),
  draining: look('half', 'idle', trans => trans.__('draining')),
  stopped: look('stopped', 'idle', trans => trans.__('stopped')),
  ok: look('done', 'ok', trans => trans.__('ok')),
  pending: look('half', 'wait', trans => trans.__('pending')),
  firing: look('firing', 'bad', trans => trans.__('firing')),
  silenced: look('paused', 'idle', trans => trans.__('silenced')),
  no_data: look('nodata', 'idle', trans => trans.__('no data')),
  fresh: look('done', 'ok', trans => trans.__('fresh')),
  expired: look('clock', 'wait', trans => trans.__('expired')),
  never: look('nodata', 'idle', trans => trans.__('never')),
  revoked: look('stopped', 'idle', trans => trans.__('revoked')),
  PRESENT: look('done', 'ok', trans => trans.__('present')),
  NULL: look('none', 'idle', trans => trans.__('null')),
  EXPIRED: look('clock', 'wait', trans => trans.__('expired')),
  NOT_FOUND: look('nodata', 'idle', trans => trans.__('not found')),
  taken: look('done', 'ok', trans => trans.__('taken')),
  counted: look('done', 'ok', trans => trans.__('counted')),
  older: look('none', 'idle', trans => trans.__('older')),
  tie_created: look('cached', 'cache', trans => trans.__('tie created')),
  tie_order: look('cached', 'cache', trans => trans.__('tie order')),
  outranked: look('none', 'idle', trans => trans.__('outranked')),
  later: look('failed', 'bad', trans => trans.__('later')),
  created_later: look('failed', 'bad', trans => trans.__('created later')),
  no_time: look('nodata', 'idle', trans => trans.__('no time')),
  outside: look('none', 'idle', trans => trans.__('outside')),
  passed: look('done', 'ok', trans => trans.__('passed')),
  usual: look('done', 'ok', trans => trans.__('usual')),
  late: look('clock', 'wait', trans => trans.__('late')),
  short: look('firing', 'wait', trans => trans.__('short')),
  large: look('firing', 'wait', trans => trans.__('large')),
  failing: look('failed', 'bad', trans => trans.__('failing')),
  unknown: look('nodata', 'idle', trans => trans.__('unknown')),
  drifted: look('firing', 'bad', trans => trans.__('drifted')),
  stable: look('done', 'ok', trans => trans.__('stable'))
};

/** How a state looks; a state that is not known keeps its own word in grey. */
export function lookOf(state: string, trans: TranslationBundle): ILook {
  const [shape, tone, word] = LOOKS[state] ?? ['none', 'idle', () => state];
  return { shape, tone, word: word(trans) };
}

interface IStateProps {
  state: string;
  /** Another word for it, such as a measured value. */
  children?: React.ReactNode;
  /** On a tint of its own ink: for page headers. */
  tag?: boolean;
  /** The shape alone; the word is read aloud. */
  bare?: boolean;
  title?: string;
}

/** A state as shape, word and colour. */
export function State({ state, children, tag, bare, title }: IStateProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { shape, tone, word } = lookOf(state, trans);
  return (
    <span
      className={cx('state', `tone-${tone}`, tag && 'is-tag')}
      data-state={state}
      title={title ?? (bare ? word : undefined)}
      role={bare ? 'img' : undefined}
      aria-label={bare ? word : undefined}
    >
      <Shape name={shape} />
      {!bare && (tag ? <span>{children ?? word}</span> : (children ?? word))}
    </span>
  );
}
