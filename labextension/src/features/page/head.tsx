import React from 'react';

import type { IViewDetail } from '../../api/types';
import { ActionButton } from '../../components/action';
import { Button } from '../../components/button';
import { InsertButton, PageHeader } from '../../components/header';
import { PinButton } from '../../components/shelf';
import { Tag } from '../../components/tag';
import { Verbs } from '../../components/verbs';
import { useWorkbench } from '../../hooks/context';
import { parseRef } from '../../refs';

interface IHeadProps {
  reference: string;
  name: string;
  /** Nothing before it is known. */
  detail: IViewDetail | undefined;
  onRefresh: () => void;
}

/** The title of the page of a view, with what can be done. */
export function ViewHead({ reference, name, detail, onRefresh }: IHeadProps): React.ReactElement {
  const { trans } = useWorkbench();
  const isCurrent = !parseRef(reference)?.at;
  return (
    <PageHeader
      icon="features"
      title={name}
      reference={reference}
      mark={detail?.view.version ? <Tag>{`v${detail.view.version}`}</Tag> : undefined}
    >
      <InsertButton code={detail?.code.python} />
      {detail?.view.online && isCurrent && (
        <ActionButton
          command="mlinfra:features-materialize"
          target={detail.view}
          label={trans.__('Materialize')}
          busyLabel={trans.__('Materializing…')}
        />
      )}
      {isCurrent && <PinButton reference={reference} />}
      {detail && isCurrent && <Verbs target={detail.view} />}
      <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
    </PageHeader>
  );
}
