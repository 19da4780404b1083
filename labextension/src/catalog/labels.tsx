import '../../style/catalog.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { ILabels } from '../api/catalog/labels';
import { ApiError } from '../api/errors';
import type { IDataset, IDatasetDetail } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { WorkbenchContext } from '../hooks/context';
import { formatRef, parseRef } from '../refs';
import type { IWorkbench, Perform } from '../tokens';

const WIDTH = 360;

/** What is said of a dataset, or of one of its columns. */
function labelsOf(
  { dataset, schema }: IDatasetDetail,
  column: string | undefined,
  { trans }: IWorkbench
): Required<ILabels> | Omit<Required<ILabels>, 'owner'> {
  if (column === undefined) {
    const { owner, description, tags } = dataset;
    return { owner, description, tags };
  }
  const found = schema.find(({ name }) => name === column);
  if (!found) {
    throw new ApiError(
      'not_found',
      trans.__('%1 has no column %2.', dataset.name, column),
      '',
      trans.__('Open its page again: its columns have changed.')
    );
  }
  return { description: found.doc, tags: found.tags };
}

/** What of the labels is another one than before. */
function changesOf(before: ILabels, after: ILabels): ILabels {
  const isSame = (key: keyof ILabels): boolean =>
    JSON.stringify(before[key]) === JSON.stringify(after[key]);
  return Object.fromEntries(Object.entries(after).filter(([key]) => !isSame(key as keyof ILabels)));
}

/** Edit what is said of a dataset or a column, and offer to undo it. */
export const label: Perform<IDataset> = async ({ workbench, ref, args }) => {
  const { client, events, trans } = workbench;
  const [name = '', column] = parseRef(ref)?.parts ?? [];
  const before = labelsOf(await client.catalog.show(name), column, workbench);
  const title = column === undefined ? name : `${name}.${column}`;
  const after = (args.labels as ILabels | undefined) ?? (await ask(title, before, workbench));
  const changes = after ? changesOf(before, after) : {};
  if (!Object.keys(changes).length) {
    return null;
  }
  await (column === undefined
    ? client.catalog.describe(name, changes)
    : client.catalog.describeColumn(name, column, changes));
  events.tell({ topic: 'dataset', ref: formatRef('dataset', name), data: {} });
  return {
    message: trans.__('The changes to %1 are saved.', title),
    undo: { command: 'mlinfra:catalog-label', args: { ref, labels: { ...before } } }
  };
};

/** Ask for labels; null if the user cancels. */
async function ask(title: string, before: ILabels, workbench: IWorkbench): Promise<ILabels | null> {
  const { trans } = workbench;
  const body = new LabelsBody(before, workbench);
  const answer = await showDialog({
    title: trans.__('Edit %1', title),
    body,
    focusNodeSelector: 'input',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Save') })]
  });
  return answer.button.accept ? body.labels : null;
}

class LabelsBody extends ReactWidget {
  constructor(
    public labels: ILabels,
    private readonly _workbench: IWorkbench
  ) {
    super();
  }

  protected render(): React.ReactElement {
    return (
      <WorkbenchContext.Provider value={this._workbench}>
        <LabelsForm
          before={this.labels}
          workbench={this._workbench}
          onChange={labels => (this.labels = labels)}
        />
      </WorkbenchContext.Provider>
    );
  }
}

interface ILabelsFormProps {
  before: ILabels;
  workbench: IWorkbench;
  onChange: (labels: ILabels) => void;
}

function LabelsForm({ before, workbench, onChange }: ILabelsFormProps): React.ReactElement {
  const { trans } = workbench;
  const [labels, setLabels] = useState(before);
  const [tags, setTags] = useState((before.tags ?? []).join(', '));
  const change = (next: ILabels): void => {
    setLabels(next);
    onChange(next);
  };
  const changeTags = (text: string): void => {
    setTags(text);
    const words = text.split(',').map(word => word.trim());
    change({ ...labels, tags: [...new Set(words.filter(Boolean))] });
  };
  return (
    <div className={cx('catalog-labels')}>
      {labels.owner !== undefined && (
        <Field
          label={trans.__('owner')}
          value={labels.owner}
          width={WIDTH}
          onChange={owner => change({ ...labels, owner })}
        />
      )}
      <Field
        label={trans.__('tags')}
        value={tags}
        width={WIDTH}
        placeholder={trans.__('with commas between; pii for personal data')}
        onChange={changeTags}
      />
      <Field
        label={trans.__('description')}
        value={labels.description ?? ''}
        width={WIDTH}
        onChange={description => change({ ...labels, description })}
      />
    </div>
  );
}
