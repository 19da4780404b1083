import { type Loader, loader, renderModule, type Spec } from 'vega';
import { formatValue } from 'vega-tooltip';

/*
 * A notebook from anywhere is drawn before anyone trusts it, and whatever the page fetches goes
 * with the user's cookies. So a chart brings along all that it shows: nothing is fetched for it,
 * from elsewhere or from this server, no link of it is followed, and it hears nothing of what
 * happens around it.
 */

const isInline = (uri: unknown): uri is string => typeof uri === 'string' && /^data:/i.test(uri);

/**
 * Loads only what a `data:` URL holds itself; `refused` hears of everything else that a chart asked
 * for.
 */
export function closedLoader(refused: (uri: string) => void = () => undefined): Loader {
  const open = loader();
  const check = (uri: unknown): void => {
    if (!isInline(uri)) {
      refused(String(uri));
      throw new Error(`A chart may not load ${String(uri)}: it brings its data along.`);
    }
  };
  return {
    ...open,
    load: async (uri, options) => {
      check(uri);
      return open.load(uri, options);
    },
    sanitize: async (uri, options) => {
      if ((options as { context?: string } | undefined)?.context === 'href') {
        throw new Error(`A chart may not open ${uri}.`);
      }
      check(uri);
      return open.sanitize(uri, options);
    }
  };
}

/** The text of a tooltip; vega-tooltip would fetch the picture that it names. */
export function closedTooltip(
  value: unknown,
  toHtml: (value: unknown) => string,
  maxDepth: number
): string {
  if (typeof value !== 'object' || value === null || !('image' in value) || isInline(value.image)) {
    return formatValue(value, toHtml, maxDepth);
  }
  const { image, ...rest } = value;
  // under another name it is a word like any other
  return formatValue({ ...rest, 'image ': image }, toHtml, maxDepth);
}

/**
 * What an input may say of itself: `src`, `style` and others would fetch, `element` reaches for
 * other inputs of the page.
 */
const INPUT = /^(signal|input|name|debounce|min|max|step|options|labels|placeholder|autocomplete)$/;

/**
 * Events of the window that a drag needs; keys that are typed elsewhere are none of a chart's
 * business.
 */
const HEARD = [
  ...['down', 'move', 'up', 'cancel'].flatMap(verb => [`pointer${verb}`, `mouse${verb}`]),
  ...['touchstart', 'touchmove', 'touchend', 'click', 'dblclick', 'resize']
];

interface ISignals {
  signals?: readonly object[];
}

/** A compiled chart that reaches for nothing outside itself. */
export function closedSpec(spec: Spec): Spec {
  const { defaults } = (spec.config?.events ?? {}) as { defaults?: unknown };
  const events = {
    ...(defaults ? { defaults } : {}),
    window: HEARD,
    selector: false,
    bind: 'container',
    globalCursor: false
  };
  return {
    ...closedInputs(spec),
    config: { ...closedInputs(spec.config ?? {}), events }
  } as Spec;
}

/** Only signals at the top can be bound to an input. */
function closedInputs({ signals, ...rest }: ISignals): ISignals {
  return {
    ...rest,
    ...(signals && {
      signals: signals.map(({ bind, ...signal }: { bind?: unknown }) => ({
        ...signal,
        ...closedBind(bind)
      }))
    })
  };
}

function closedBind(bind: unknown): { bind?: unknown } {
  return typeof bind === 'object' && bind !== null
    ? { bind: Object.fromEntries(Object.entries(bind).filter(([name]) => INPUT.test(name))) }
    : {};
}

interface IPainted {
  fill?: unknown;
  stroke?: unknown;
}

/** Of Vega's SVG renderer, which its types leave out. */
interface ISvgRenderer {
  // a property could not be overridden by a method
  // eslint-disable-next-line @typescript-eslint/method-signature-style
  style(node: Element, item: IPainted | null): void;
  // eslint-disable-next-line @typescript-eslint/method-signature-style
  background(...color: unknown[]): unknown;
}

/** A colour; null for a paint that has an address, which browsers fetch. */
const paint = (color: unknown): unknown =>
  typeof color === 'string' && /\\|url\(|src\(/i.test(color) ? null : color;

/**
 * Let the SVG renderer of our copy of Vega fetch no paints. Only here are they all seen: items get
 * colours in many ways.
 */
export function closeRenderer(): void {
  const modules = renderModule as (name: string, module?: object) => unknown;
  const module = modules('svg') as { renderer: new () => ISvgRenderer };
  class ClosedRenderer extends module.renderer {
    override style(node: Element, item: IPainted | null): void {
      super.style(node, item && { ...item, fill: paint(item.fill), stroke: paint(item.stroke) });
    }

    override background(...color: unknown[]): unknown {
      return super.background(...color.map(paint));
    }
  }
  modules('svg', { ...module, renderer: ClosedRenderer });
}
