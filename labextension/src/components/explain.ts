import type { TranslationBundle } from '@jupyterlab/translation';

import { type ApiError, answered, asApiError, REFUSED } from '../api/errors';

/** The three lines of an error, in the user's language where they are ours. */
export function explainError(
  error: ApiError,
  trans: TranslationBundle
): { what: string; why: string; fix: string } {
  if (error.code === 'no_server') {
    return {
      what: trans.__('The workbench is not running in this Jupyter server.'),
      why: trans.__(
        'The server extension jupyter_mlinfra is missing, disabled or older than this front end.'
      ),
      fix: trans.__('jupyter server extension enable jupyter_mlinfra, then restart Jupyter.')
    };
  }
  if (error.lost) {
    return {
      what: trans.__('The Jupyter server does not answer.'),
      why: '',
      fix: trans.__('It is asked again automatically.')
    };
  }
  if (error.what === REFUSED.what) {
    return {
      what: trans.__('The Jupyter server refused the request.'),
      why: error.why,
      fix: trans.__('Sign in again.')
    };
  }
  if (error.what === answered(error.status)) {
    return {
      what: trans.__('The Jupyter server answered %1.', error.status),
      why: error.why,
      fix: error.fix
    };
  }
  return { what: error.what, why: error.why, fix: error.fix };
}

/** An error in up to three lines, where there is no place for a card. */
export function errorText(error: unknown, trans: TranslationBundle): string {
  const found = asApiError(error);
  const { what, why, ...told } = explainError(found, trans);
  const fix = found.lost // nobody asks a second time for what a verb asked
    ? trans.__('It may have been done or not: look before you try again.')
    : told.fix;
  return [what, why, fix].filter(Boolean).join('\n');
}
