/** A reference in the one grammar of search, drag, magics, CLI and deep links: `kind:name[@at]`. */
export interface IRef {
  kind: string;
  name: string;
  at: string | null;
}

const GRAMMAR = /^([a-z]+):([^\s@]+)(?:@(\S+))?$/;

/** The parts of a reference, or null when the text is none. */
export function parseRef(text: string): IRef | null {
  const found = GRAMMAR.exec(text);
  if (!found?.[1] || !found[2]) {
    return null;
  }
  return { kind: found[1], name: found[2], at: found[3] ?? null };
}

export const kindOf = (ref: string): string => parseRef(ref)?.kind ?? '';
export const nameOf = (ref: string): string => parseRef(ref)?.name ?? ref;
export const formatRef = (kind: string, name: string, at?: string | null): string =>
  `${kind}:${name}${at ? `@${at}` : ''}`;

/** The object that has a page: a column opens its dataset, a feature its view, a version its model, an alert its monitor. */
export function pageOf(ref: string): string {
  const parsed = parseRef(ref);
  if (!parsed) {
    return ref;
  }
  const { kind, name, at } = parsed;
  const before = (separator: string, last = false): string => {
    const cut = last ? name.lastIndexOf(separator) : name.indexOf(separator);
    return cut < 0 ? name : name.slice(0, cut);
  };
  switch (kind) {
    case 'column':
      return formatRef('dataset', before('.', true));
    case 'feature':
      return formatRef('view', before(':'));
    case 'version':
      return formatRef('model', before('/'));
    case 'step':
      return formatRef('pipeline', before('/'));
    case 'alert':
      return formatRef('monitor', before('/'));
    case 'dataset':
      return formatRef(kind, name);
    default:
      return formatRef(kind, name, at);
  }
}

/** The kinds that each panel calls its own in the scope chip of its search box. */
export const PANEL_KINDS = {
  catalog: ['dataset', 'column'],
  features: ['view', 'feature'],
  jobs: ['job', 'pipeline', 'step', 'schedule'],
  experiments: ['experiment', 'run'],
  models: ['model', 'version', 'deployment', 'monitor', 'alert']
} as const;

export type PanelName = keyof typeof PANEL_KINDS;
