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

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isWords = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every(word => typeof word === 'string');

/** Whether data from outside, such as a notebook that a job wrote, can be shown as a card. */
export const isPayload = (data: unknown): data is IPayload =>
  isObject(data) &&
  [data.ref, data.kind, data.title].every(word => typeof word === 'string') &&
  (data.facts == null || isWords(data.facts)) &&
  (data.rows == null || (Array.isArray(data.rows) && data.rows.every(isWords)));

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
