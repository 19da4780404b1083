import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, errorOf } from './errors';

const ROOT = 'mlinfra/api';

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

export interface IRequestOptions {
  query?: Query;
  /** A body makes the request a POST. */
  body?: unknown;
  signal?: AbortSignal;
}

/** Ask the server; throws ApiError. The one function through which the front end speaks HTTP. */
export type Request = <T>(path: string, options?: IRequestOptions) => Promise<T>;

/** The path of a named object: each part is escaped, so that a hostile name stays one part. */
export function pathOf(...parts: readonly (string | number)[]): string {
  return parts.map(part => encodeURIComponent(String(part))).join('/');
}

export function queryOf(query: Query = {}): string {
  const found = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') {
      continue;
    }
    for (const item of Array.isArray(value) ? value : [value]) {
      found.append(key, String(item));
    }
  }
  const text = found.toString();
  return text && `?${text}`;
}

/** A `Request` over the connection of the Jupyter server, with its token, cookies and base URL. */
export function createRequest(settings: ServerConnection.ISettings): Request {
  return async <T>(path: string, { query, body, signal }: IRequestOptions = {}): Promise<T> => {
    const url = URLExt.join(settings.baseUrl, ROOT, path) + queryOf(query);
    // With its default (`no-store`) makeRequest would append a bare number to the query, which a
    // strict server refuses.
    const init: RequestInit =
      body === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        url,
        { ...init, cache: 'no-cache', signal: signal ?? null },
        settings
      );
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new ApiError(
        'unreachable',
        'The Jupyter server does not answer.',
        '',
        'It is asked again automatically.'
      );
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    return (await response.json()) as T;
  };
}
