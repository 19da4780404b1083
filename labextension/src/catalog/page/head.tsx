import React from 'react';

import type { Code, IDatasetDetail } from '../../api/types';
import { ActionButton } from '../../components/action';
import { Button } from '../../components/button';
import { InsertButton, PageHeader } from '../../components/header';
import { PinButton } from '../../components/shelf';
import { Tag } from '../../components/tag';
import { Verbs } from '../../components/verbs';
import { useWorkbench } from '../../hooks/context';
import { formatRef, parseRef } from '../../refs';

interface IHeadProps {
  /** The reference of the page, which may name a snapshot. */
  reference: string;
  name: string;
  /** What is shown below; nothing before it is known. */
  detail: IDatasetDetail | undefined;
  /** That of the rows that are shown, if they are not all of the dataset. */
  code: Code | undefined;
  /** Whether the rows that are asked for are on their way: there is no code to insert. */
  late: boolean;
  onRefresh: () => void;
}

/** The title of the page of a dataset, with what can be done. */
export function DatasetHead({
  reference,
  name,
  detail,
  code,
  late,
  onRefresh
}: IHeadProps): React.ReactElement {
  const { trans } = useWorkbench();
  const at = parseRef(reference)?.at ?? null;
  return (
    <PageHeader
      icon="catalog"
      title={name}
      reference={reference}
      code={code?.python}
      pinned={formatRef('dataset', name, at ?? detail?.dataset.snapshot)}
      mark={at !== null && <Tag>{trans.__('older snapshot')}</Tag>}
    >
      <InsertButton code={late ? undefined : (code ?? detail?.code)?.python} />
      {detail && at === null && !detail.dataset.domain && (
        <ActionButton
          command="mlinfra:catalog-register"
          args={{ into: name }}
          label={trans.__('Ingest…')}
          caption={trans.__('More rows from files, a store or a table of a database')}
        />
      )}
      {detail?.dataset.domain === 'quarantine' && (
        <>
          <ActionButton command="mlinfra:catalog-export-rows" target={detail.dataset} />
          <ActionButton command="mlinfra:catalog-mend" target={detail.dataset} />
        </>
      )}
      {detail && at === null && (
        <ActionButton
          command="mlinfra:catalog-label"
          target={detail.dataset}
          label={trans.__('Edit…')}
        />
      )}
      {at === null && <PinButton reference={reference} />}
      {detail && at === null && <Verbs target={detail.dataset} />}
      <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
    </PageHeader>
  );
}
