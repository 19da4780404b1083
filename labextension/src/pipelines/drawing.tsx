import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IPipelineRun, IStep, IStepRun, StepState } from '../api/types';
import type { IGraphNode } from '../components/graph';
import type { ILink } from '../components/layout';
import { lookOf, State } from '../components/state';
import * as format from '../format';
import { kinds } from '../kinds';
import { formatRef, parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { secondsOf } from './seconds';
import { feeds, referenceOf } from './things';

const INPUT = 'in:';

/** What is taken from outside, by the id of its node; null for a step. */
export const inputOf = (id: string): string | null =>
  id.startsWith(INPUT) ? id.slice(INPUT.length) : null;

interface IDrawing {
  nodes: IGraphNode[];
  links: ILink[];
}

interface IDrawOptions {
  pipeline: string;
  graph: readonly IStep[];
  /** The run whose states are shown. */
  run: IPipelineRun | undefined;
  selected?: string | null;
}

/** Steps with the states of a run, and what they take from outside. */
export function draw(
  { pipeline, graph, run, selected }: IDrawOptions,
  { trans }: IWorkbench
): IDrawing {
  const made = graph.flatMap(step => step.outputs);
  const inputs = new Set<string>();
  const links: ILink[] = graph.flatMap(step => step.after.map(from => ({ from, to: step.name })));
  for (const step of graph) {
    for (const taken of step.inputs) {
      if (
        !taken.startsWith('step:') &&
        !taken.includes('{{') &&
        !made.some(thing => feeds(thing, taken))
      ) {
        inputs.add(taken);
        links.push({ from: INPUT + taken, to: step.name });
      }
    }
  }
  const data = [...inputs].map((taken): IGraphNode => {
    const ref = referenceOf(taken);
    const parsed = ref ? parseRef(ref) : null;
    return {
      id: INPUT + taken,
      ref: ref ?? undefined,
      icon: kinds.icon(parsed?.kind ?? 'file'),
      title: parsed?.name ?? taken.split('/').pop() ?? taken,
      note: parsed ? (kinds.get(parsed.kind)?.label ?? parsed.kind) : taken,
      outside: true,
      current: selected === INPUT + taken
    };
  });
  const steps = graph.map((step): IGraphNode => {
    const { state, words } = outcomeOf(run, step, trans);
    return {
      id: step.name,
      ref: formatRef('step', [pipeline, step.name]),
      icon: 'notebook',
      title: step.elements.length ? `${step.name} ×${step.elements.length}` : step.name,
      current: selected === step.name,
      note: words || step.notebook.split('/').pop(),
      mark: state && <State state={state} bare />,
      tone: state && lookOf(state, trans).tone,
      unreached: state ? /^(waiting|cancelled|skipped)$/.test(state) : Boolean(run?.only)
    };
  });
  return { nodes: [...data, ...steps], links };
}

/** What of a run belongs to a step: itself, or its elements. */
export const stepsOf = (
  run: IPipelineRun | undefined,
  { name, elements }: Pick<IStep, 'name' | 'elements'>
): IStepRun[] =>
  run?.steps.filter(
    step => step.name === name || elements.includes(step.name) || step.name.startsWith(`${name}[`)
  ) ?? [];

/** The state that tells most of several: what failed, what goes on, what is not reached. */
const ORDER = ['failed', 'running', 'cancelled', 'waiting', 'skipped', 'succeeded', 'cached'];
export const worst = (steps: readonly IStepRun[]): IStepRun | undefined =>
  [...steps].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))[0];

/**
 * What a run made of a step: its state, none where it left the step alone, and the same in words.
 */
export function outcomeOf(
  run: IPipelineRun | undefined,
  step: Pick<IStep, 'name' | 'elements'>,
  trans: TranslationBundle
): { state?: StepState; words: string; reason?: string } {
  const ran = stepsOf(run, step);
  const shown = worst(ran);
  if (!shown) {
    return { words: run?.only ? trans.__('left as it was') : '' };
  }
  const { state, reason } = shown;
  const seconds = ran.length === 1 ? secondsOf(shown) : null;
  const word =
    run?.repairs && state === 'cached' ? trans.__('taken as it was') : lookOf(state, trans).word;
  const same = ran.filter(other => other.state === state).length;
  const count = ran.length > 1 ? trans.__('%1 of %2 %3', same, ran.length, word) : word;
  return {
    state,
    reason,
    words: [count, seconds !== null && format.duration(seconds)].filter(Boolean).join(' · ')
  };
}

/** What a run was of, where it was not of the whole pipeline. */
export const partOf = (
  { only, repairs }: Pick<IPipelineRun, 'only' | 'repairs'>,
  trans: TranslationBundle
): string =>
  only ? trans.__('of step %1 alone', only) : repairs && trans.__('a repair of %1', repairs);
