import React from 'react';

import type { IPipelineRun, IStep, IStepRun } from '../api/types';
import type { IGraphNode } from '../components/graph';
import { iconOf, kindName } from '../components/kinds';
import type { ILink } from '../components/layout';
import { lookOf, State } from '../components/state';
import * as format from '../format';
import { formatRef, parseRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { secondsOf } from './seconds';
import { feeds, referenceOf } from './things';

const INPUT = 'in:';

/** What is taken from outside, by the id of its node; null for a step. */
export const inputOf = (id: string): string | null => (id.startsWith(INPUT) ? id.slice(INPUT.length) : null);

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
export function draw({ pipeline, graph, run, selected }: IDrawOptions, { trans }: IWorkbench): IDrawing {
  const made = graph.flatMap(step => step.outputs);
  const inputs = new Set<string>();
  const links: ILink[] = graph.flatMap(step => step.after.map(from => ({ from, to: step.name })));
  for (const step of graph) {
    for (const taken of step.inputs) {
      if (!taken.startsWith('step:') && !taken.includes('{{') && !made.some(thing => feeds(thing, taken))) {
        inputs.add(taken);
        links.push({ from: INPUT + taken, to: step.name });
      }
    }
  }
  const data = [...inputs].map((taken): IGraphNode => {
    const ref = referenceOf(taken);
    return {
      id: INPUT + taken,
      ref: ref ?? undefined,
      icon: iconOf(ref ? (parseRef(ref)?.kind ?? 'file') : 'file'),
      title: ref ? (parseRef(ref)?.name ?? taken) : (taken.split('/').pop() ?? taken),
      note: ref ? kindName(parseRef(ref)?.kind ?? '', trans) : taken,
      outside: true,
      current: selected === INPUT + taken
    };
  });
  const steps = graph.map((step): IGraphNode => {
    const ran = stepsOf(run, step);
    return {
      id: step.name,
      ref: formatRef('step', [pipeline, step.name]),
      icon: 'notebook',
      title: step.elements.length ? `${step.name} ×${step.elements.length}` : step.name,
      current: selected === step.name,
      ...stateOf(ran, step, trans)
    };
  });
  return { nodes: [...data, ...steps], links };
}

/** What of a run belongs to a step: itself, or its elements. */
export const stepsOf = (
  run: IPipelineRun | undefined,
  { name, elements }: Pick<IStep, 'name' | 'elements'>
): IStepRun[] =>
  run?.steps.filter(step => step.name === name || elements.includes(step.name) || step.name.startsWith(`${name}[`)) ??
  [];

/** The state that tells most of several: what failed, what goes on, what is not reached. */
const ORDER = ['failed', 'running', 'cancelled', 'waiting', 'skipped', 'succeeded', 'cached'];
export const worst = (steps: readonly IStepRun[]): IStepRun | undefined =>
  [...steps].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))[0];

function stateOf(
  ran: readonly IStepRun[],
  step: IStep,
  trans: IWorkbench['trans']
): Pick<IGraphNode, 'note' | 'mark' | 'tone' | 'unreached'> {
  const shown = worst(ran);
  if (!shown) {
    return { note: step.notebook.split('/').pop() };
  }
  const { word, tone } = lookOf(shown.state, trans);
  const seconds = ran.length === 1 ? secondsOf(shown) : null;
  const same = ran.filter(({ state }) => state === shown.state).length;
  const count = ran.length > 1 ? trans.__('%1 of %2 %3', same, ran.length, word) : word;
  return {
    note: [count, seconds !== null && format.duration(seconds)].filter(Boolean).join(' · '),
    mark: <State state={shown.state} bare />,
    tone,
    unreached: shown.state === 'waiting' || shown.state === 'cancelled' || shown.state === 'skipped'
  };
}
