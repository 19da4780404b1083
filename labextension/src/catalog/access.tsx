import '../../style/catalog.css';

import React from 'react';

import type { IColumn, IDataset, IPage, IRevealed } from '../api/types';
import { ActionButton } from '../components/action';
import { EmptyCard, Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { More } from '../components/more';
import { Table } from '../components/table';
import { clock } from '../components/times';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { formatRef } from '../refs';
import type { IWorkbench } from '../tokens';
import { personal } from './page/revealed';

type Column = Pick<IColumn, 'name' | 'type' | 'tags'>;

interface IAccessProps {
  dataset: IDataset;
  columns: readonly Column[];
}

/** Which columns of a dataset are masked, and who saw their values all the same. */
export function Access({ dataset, columns }: IAccessProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { query, onMore } = useList(
    `audit:${dataset.name}`,
    (limit, signal) => client.catalog.audit(dataset.name, { limit }, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  return (
    <div className={cx('scroll')}>
      <Heading title={trans.__('Masked columns')} />
      <Masked dataset={dataset} columns={personal(columns)} />
      <Heading title={trans.__('Who saw their values')} />
      <Result query={query}>
        {page =>
          page.items.length ? (
            <>
              <Seen dataset={dataset} page={page} />
              <More page={page} onMore={onMore} rest={`mlinfra catalog audit ${dataset.name}`} />
            </>
          ) : (
            <p className={cx('more')}>{trans.__('Nobody has.')}</p>
          )
        }
      </Result>
    </div>
  );
}

/** The columns that are tagged as personal data. */
function Masked({ dataset, columns }: IAccessProps): React.ReactElement {
  const { trans } = useWorkbench();
  if (!columns.length) {
    return (
      <EmptyCard
        sentence={trans.__(
          'None: whoever may read the dataset sees all values. Tag a column as pii to mask it: press t on it in the tab Columns.'
        )}
        code={`%catalog tag column:${dataset.name}.COLUMN pii`}
        door="magic"
      />
    );
  }
  return (
    <>
      <Table<Column>
        label={trans.__('Masked columns of %1', dataset.name)}
        columns={[
          {
            key: 'name',
            head: trans.__('column'),
            cell: ({ name }) => name,
            sort: row => row.name
          },
          {
            key: 'type',
            head: trans.__('type'),
            cell: ({ type }) => <span className={cx('type')}>{type}</span>,
            width: 110
          },
          { key: 'tags', head: trans.__('tags'), cell: ({ tags }) => tags.join(', ') },
          {
            key: 'edit',
            head: '',
            end: true,
            width: 90,
            cell: ({ name }) => (
              <ActionButton
                command="mlinfra:catalog-label"
                target={{ ref: formatRef('column', [dataset.name, name]) }}
                label={trans.__('Edit…')}
              />
            )
          }
        ]}
        rows={columns}
        row={({ name }) => ({
          id: name,
          ref: formatRef('column', [dataset.name, name])
        })}
      />
      <p className={cx('more')}>
        {trans.__(
          'Whoever may read mlinfra:catalog-pii can see their values; who that is, is set in the Jupyter server.'
        )}
      </p>
    </>
  );
}

/** Where values were shown, in words. */
const places = ({ trans }: IWorkbench): Record<IRevealed['face'], string> => ({
  rest: trans.__('in a panel, or over REST'),
  cli: trans.__('at the command line'),
  magic: trans.__('in a notebook'),
  python: trans.__('in Python')
});

interface ISeenProps {
  dataset: IDataset;
  page: IPage<IRevealed>;
}

/** The audit log of the dataset. */
function Seen({ dataset, page }: ISeenProps): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const time = clock(page.items.map(({ at }) => at));
  const where = places(workbench);
  return (
    <Table<IRevealed>
      label={trans.__('Who saw masked values of %1', dataset.name)}
      columns={[
        { key: 'at', head: trans.__('time'), cell: ({ at }) => time(at), width: 150 },
        { key: 'user', head: trans.__('user'), cell: ({ user }) => user, width: 120 },
        {
          key: 'columns',
          head: trans.__('columns'),
          wrap: true,
          cell: ({ columns }) => columns.join(', ')
        },
        { key: 'verb', head: trans.__('by'), cell: ({ verb }) => verb, width: 90 },
        { key: 'face', head: trans.__('where'), cell: ({ face }) => where[face], width: 190 }
      ]}
      rows={page.items}
      row={({ id }) => ({ id: `seen:${id}` })}
      total={page.total}
    />
  );
}
