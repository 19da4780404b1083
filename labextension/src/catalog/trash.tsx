import React from 'react';

import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { List } from '../components/list';
import { ListSection } from '../components/listsection';
import { cx } from '../components/cx';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';

/** Deleted datasets, which can be restored until their files are deleted too. */
export function Trash(): React.ReactElement {
  const { client, trans } = useWorkbench();
  return (
    <ListSection
      name="catalog:trash"
      list="catalog-trash"
      initial={false}
      title={trans.__('Trash')}
      topics={['dataset']}
      fetch={(limit, signal) => client.catalog.trash({ limit }, signal)}
      lines={1}
      empty={() => (
        <>
          <p className={cx('more')}>{trans.__('Deleted datasets can be restored here.')}</p>
          <CleanAll />
        </>
      )}
      body={page => (
        <>
          <List
            label={trans.__('Deleted datasets')}
            rows={page.items.map(item => ({
              id: `trashed:${item.id}`,
              icon: 'catalog',
              name: item.name,
              title: trans.__('deleted by %1, kept until %2', item.user, format.time(item.until)),
              meta: (
                <>
                  <ActionButton
                    command="mlinfra:catalog-restore"
                    args={{ trashed: item.id }}
                    target={{ ref: formatRef('dataset', item.name) }}
                    label={trans.__('Restore')}
                  />
                  <ActionButton
                    bare
                    kind="quiet"
                    icon="close"
                    command="mlinfra:catalog-purge"
                    args={{ trashed: item.id }}
                    target={{ ref: formatRef('dataset', item.name) }}
                  />
                </>
              )
            }))}
          />
          <CleanAll />
        </>
      )}
    />
  );
}

function CleanAll(): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  return (
    <div className={cx('bar')}>
      <Button
        label={trans.__('Delete Unneeded Files…')}
        caption={trans.__('Of all datasets: files that no snapshot has; first it is said how many')}
        onClick={() => void import('./mishaps').then(({ cleanAll }) => cleanAll(workbench))}
      />
    </div>
  );
}
