import type { TranslationBundle } from '@jupyterlab/translation';

import { frame, quote, variable } from '../code/python';
import type { IKindSpec } from '../kinds';
import type { IRef } from '../refs';
import { datasetActions } from './commands';

/** Columns of one dataset as a frame; null where they are of several. */
function columns(refs: readonly IRef[]): string | null {
  const dataset = refs[0]?.parts[0] ?? '';
  if (refs.some(({ parts }) => parts[0] !== dataset)) {
    return null;
  }
  const names = refs.map(({ parts }) => parts[1] ?? '');
  // A name of their own: the one of the dataset is, as a rule, the frame with all columns.
  const own = names.length === 1 ? variable(names[0] ?? '') : `${variable(dataset)}_columns`;
  return frame(own, `ml.dataset(${quote(dataset)}).scan().select(${names.map(quote).join(', ')})`);
}

export const catalogKinds = (trans: TranslationBundle): readonly IKindSpec[] => [
  {
    kind: 'dataset',
    icon: 'catalog',
    topic: 'dataset',
    actions: datasetActions(trans),
    label: trans.__('dataset'),
    plural: trans.__('Datasets'),
    panel: 'catalog',
    code: ({ name, at }) =>
      frame(
        variable(name),
        `ml.dataset(${quote(name)}).scan(${at ? `snapshot=${quote(at)}` : ''})`
      ),
    page: {
      command: 'mlinfra:catalog-open',
      label: trans.__('Open Dataset'),
      caption: trans.__('Rows, columns, snapshots and lineage of a dataset'),
      title: name => name,
      body: () => import('./dataset')
    }
  },
  {
    kind: 'column',
    icon: 'column',
    label: trans.__('column'),
    plural: trans.__('Columns'),
    join: { sign: '.', last: true },
    owner: 'dataset',
    panel: 'catalog',
    code: ref => columns([ref]) ?? '',
    codeOfAll: columns
  }
];
