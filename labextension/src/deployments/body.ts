import type { IDeploymentDetail } from '../api/types';

/**
 * A list without lists or objects in it; a text of JSON has line breaks only between its values.
 */
const FLAT = /\[\n\s*([^[\]{}]*?)\n\s*\]/g;

/** JSON with the names and each row on a line, so that all are in sight. */
export const bodyText = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    FLAT,
    (_, values: string) => `[${values.replace(/\n\s*/g, ' ')}]`
  );

/** A request that the deployment accepts, as the field holds it at first. */
export const sampleBody = ({ sample }: IDeploymentDetail): string =>
  bodyText(sample ?? { data: { names: [], ndarray: [] } });

/** What a text says as JSON, or the parser's reason why it is none. */
export function parseBody(body: string): { value: unknown } | { reason: string } {
  try {
    return { value: JSON.parse(body) as unknown };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
