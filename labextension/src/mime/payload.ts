/** What an object of the workbench puts into a notebook's output. */
export interface IPayload {
  ref: string;
  kind: string;
  title: string;
  record: unknown;
  /** The few lines worth reading, as text. */
  facts?: Readonly<Record<string, string>>;
  /** A small table below them, as text. */
  rows?: readonly Readonly<Record<string, string>>[];
}

/** The state that a record carries, if any. */
export function stateOf(record: unknown): string | null {
  if (typeof record !== 'object' || record === null) {
    return null;
  }
  const { state, status } = record as { state?: unknown; status?: unknown };
  return typeof state === 'string' ? state : typeof status === 'string' ? status : null;
}

/** A record that is a job, as far as a card needs to know. */
export const isJob = ({ kind, record }: IPayload): boolean =>
  kind === 'job' && typeof record === 'object' && record !== null && 'id' in record;
