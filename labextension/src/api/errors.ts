/** What failed, why, and the fix to try: the three parts that every face of the workbench shows. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly what: string,
    readonly why = '',
    readonly fix = '',
    readonly status = 0
  ) {
    super([what, why, fix].filter(Boolean).join(' '));
    this.name = 'ApiError';
  }

  /** Whether contact was lost, which says nothing about the object asked for. */
  get lost(): boolean {
    return this.code === 'unreachable';
  }
}

/** Any thrown value as an ApiError, so that a card can always show three parts. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  return new ApiError('internal', error instanceof Error ? error.message : String(error));
}

interface IErrorBody {
  error?: unknown;
  message?: unknown;
  why?: unknown;
  fix?: unknown;
}

/**
 * What this front end says itself of an answer that is not the workbench's; a card says it in the
 * user's language.
 */
export const REFUSED = { what: 'The Jupyter server refused the request.', fix: 'Sign in again.' };
export const answered = (status: number): string => `The Jupyter server answered ${status}.`;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * The error that a response carries; a body that is not ours means that our half of the server is
 * missing.
 */
export async function errorOf(response: Response): Promise<ApiError> {
  const body = await response
    .json()
    .then(value => value as IErrorBody)
    .catch((): IErrorBody => ({}));
  if (typeof body.error === 'string') {
    return new ApiError(
      body.error,
      text(body.message),
      text(body.why),
      text(body.fix),
      response.status
    );
  }
  if (response.status === 404) {
    return new ApiError(
      'no_server',
      'The workbench is not running in this Jupyter server.',
      'The server extension jupyter_mlinfra is missing, disabled or older than this front end.',
      'jupyter server extension enable jupyter_mlinfra, then restart Jupyter.',
      404
    );
  }
  if (response.status === 401 || response.status === 403) {
    return new ApiError(
      'forbidden',
      REFUSED.what,
      text(body.message),
      REFUSED.fix,
      response.status
    );
  }
  return new ApiError(
    'internal',
    text(body.message) || answered(response.status),
    '',
    '',
    response.status
  );
}
