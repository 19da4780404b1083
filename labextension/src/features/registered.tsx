import React from 'react';

import type { IEntity, ISavedSet } from '../api/types';
import { cx } from '../components/cx';
import { List, type IListRow } from '../components/list';
import { ListSection } from '../components/listsection';
import { Num } from '../components/number';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';

/** What the rows of views are about. */
export function Entities(): React.ReactElement {
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  return (
    <ListSection
      name="features:entities"
      initial={false}
      list="entities"
      title={trans.__('Entities')}
      fetch={(limit, signal) => client.features.entities({ limit }, signal)}
      topics={['view']}
      empty={() => (
        <p className={cx('more')}>
          {trans.__('An Entity in the definitions names the key that the rows of views share.')}
        </p>
      )}
      body={page => (
        <List
          label={trans.__('Entities')}
          rows={page.items.map(entity => entityRow(entity, workbench))}
        />
      )}
    />
  );
}

function entityRow(
  { ref, name, key, description, views }: IEntity,
  { trans }: IWorkbench
): IListRow {
  return {
    id: ref,
    ref,
    icon: 'features',
    name,
    note: key === name ? undefined : key,
    title: description || name,
    meta: <Num value={views.length} unit={trans._n('view', 'views', views.length)} />
  };
}

/** Training sets that Feast saved. */
export function SavedSets(): React.ReactElement {
  const { client, trans } = useWorkbench();
  return (
    <ListSection
      name="features:saved"
      initial={false}
      list="saved sets"
      title={trans.__('Saved training sets')}
      fetch={(limit, signal) => client.features.savedSets({ limit }, signal)}
      topics={['view']}
      empty={() => (
        <p className={cx('more')}>
          {trans.__(
            'Here stand what Feast saved as saved datasets. A training set that is stored from the selection is a dataset of the catalog.'
          )}
        </p>
      )}
      body={page => (
        <List label={trans.__('Saved training sets')} rows={page.items.map(savedRow)} />
      )}
    />
  );
}

const savedRow = ({ ref, name, description, last }: ISavedSet): IListRow => ({
  id: ref,
  ref,
  icon: 'features',
  name,
  title: description || name,
  meta: last ? format.day(last) : undefined
});
