import '../../style/tokens.css';
import '../../style/vega.css';

import embed, { type Actions, type EmbedOptions, type VisualizationSpec } from 'vega-embed';
import { expressionInterpreter } from 'vega-interpreter';

import { closedLoader, closedSpec, closedTooltip, closeRenderer } from './closed';

closeRenderer();

interface IDrawOptions {
  mode: 'vega' | 'vega-lite';
  dark: boolean;
  /** Pixels there are. */
  width: number;
  /** The notebook's own wishes, from the output's metadata. */
  options: Readonly<Record<string, unknown>>;
}

export interface IDrawn {
  finalize: () => void;
  /** Whether the chart takes the width of its place. */
  fits: boolean;
  width: number;
  /** Addresses that the chart asked for in vain. */
  refused: readonly string[];
}

interface ISpec extends Readonly<Record<string, unknown>> {
  width?: unknown;
  autosize?: unknown;
  config?: Readonly<Record<string, unknown>>;
  usermeta?: unknown;
}

/** A spec that fills its place: with the width in pixels in place of `container`. */
export function fitted(spec: ISpec, width: number): ISpec {
  return spec.width === 'container' && width > 0
    ? { ...spec, width, autosize: spec.autosize ?? { type: 'fit-x', contains: 'padding' } }
    : spec;
}

/** Inks of JupyterLab's theme, under whatever the spec says itself. */
function themed(dark: boolean): Record<string, unknown> {
  const css = getComputedStyle(document.body);
  const ink = (name: string): string => css.getPropertyValue(name).trim();
  const text = ink('--ml-text') || (dark ? '#ddd' : '#222');
  const quiet = ink('--ml-text-2') || text;
  const line = ink('--ml-grid');
  const labels = {
    labelColor: quiet,
    titleColor: text,
    labelFontWeight: 'normal',
    titleFontWeight: 'normal'
  };
  return {
    background: 'transparent',
    font: ink('--jp-ui-font-family'),
    title: { color: text, subtitleColor: quiet },
    axis: { ...labels, gridColor: line, domainColor: quiet, tickColor: quiet },
    legend: labels,
    header: labels,
    view: { stroke: line },
    mark: { color: ink('--ml-c1') },
    range: { category: [1, 2, 3, 4, 5, 6, 0].map(number => ink(`--ml-c${number}`)) },
    style: {
      'guide-label': { fill: quiet },
      'guide-title': { fill: text },
      'group-title': { fill: text }
    }
  };
}

/**
 * What a notebook, or a spec by its `usermeta`, may say of the embedding: nothing that fetches,
 * runs code or leaves this page.
 */
const WISHES = [
  'renderer',
  'scaleFactor',
  'padding',
  'downloadFileName',
  'formatLocale',
  'timeFormatLocale',
  'theme'
];

/** The entries of the menu: saving only, since the others would open the chart elsewhere. */
export function menuOf(wish: unknown): false | Actions {
  const { export: save = true } = (
    typeof wish === 'object' && wish !== null ? wish : {}
  ) as Actions;
  return wish === false ? false : { export: save, source: false, compiled: false, editor: false };
}

/** The wishes that are kept; of the renderers those that fetch nothing. */
export function wishesOf(wishes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = ([name, wish]: [string, unknown]): boolean =>
    WISHES.includes(name) && (name !== 'renderer' || wish === 'svg' || wish === 'canvas');
  return Object.fromEntries(Object.entries(wishes).filter(isKept));
}

/** The spec without its own options of the embedding, which would win over ours. */
function plainSpec(spec: ISpec): [spec: ISpec, wishes: Readonly<Record<string, unknown>>] {
  const { embedOptions, ...usermeta } = (spec.usermeta ?? {}) as Readonly<Record<string, unknown>>;
  return [{ ...spec, usermeta }, (embedOptions ?? {}) as Readonly<Record<string, unknown>>];
}

/**
 * Draw a chart. Expressions are interpreted, never compiled, so that no content security policy has
 * to allow `eval`; nothing is fetched, and the menu holds nothing that would leave this page.
 */
export async function draw(
  node: HTMLElement,
  spec: unknown,
  { mode, dark, width, options }: IDrawOptions
): Promise<IDrawn> {
  const [ownSpec, wishes] = plainSpec(spec as ISpec);
  const refused = new Set<string>();
  const embedOptions: EmbedOptions = {
    ...wishesOf({ ...wishes, ...options }),
    actions: menuOf(options.actions ?? wishes.actions),
    mode,
    ast: true,
    expr: expressionInterpreter,
    loader: closedLoader(uri => refused.add(uri)),
    patch: closedSpec,
    tooltip: { formatTooltip: closedTooltip },
    config: themed(dark),
    defaultStyle: true
  };
  const result = await embed(node, fitted(ownSpec, width) as VisualizationSpec, embedOptions);
  return {
    finalize: () => result.finalize(),
    fits: ownSpec.width === 'container',
    width,
    refused: [...refused]
  };
}
