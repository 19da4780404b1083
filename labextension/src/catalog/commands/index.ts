import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActionSpec } from '../../tokens';
import { careActions } from './care';
import { columnActions } from './columns';
import { labelActions } from './labels';
import { previewActions } from './preview';
import { qualityActions } from './quality';
import { timeActions } from './time';

/** What the page of a dataset does. */
export const datasetActions = (trans: TranslationBundle): readonly IActionSpec[] => [
  ...previewActions(trans),
  ...columnActions(trans),
  ...timeActions(trans),
  ...labelActions(trans),
  ...qualityActions(trans),
  ...careActions(trans)
];
