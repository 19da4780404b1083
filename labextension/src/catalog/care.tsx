import '../../style/catalog.css';

import React, { useState } from 'react';

import type { ICare, ICarePlan, IDataset, IOrphan } from '../api/types';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Pairs } from '../components/pairs';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { Verified } from './verified';

/** How a dataset is kept, and what can be done for it. */
export function CareTab({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `care:${dataset.ref}`,
    signal => client.catalog.care(dataset.name, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  return (
    <div className={cx('scroll')}>
      <Result query={query}>
        {care => (
          <>
            <Suggestion care={care} dataset={dataset} />
            <Facts care={care} />
            <div className={cx('bar')}>
              <ActionButton
                command="mlinfra:catalog-compact"
                target={dataset}
                label={trans.__('Compact…')}
              />
              <ActionButton
                command="mlinfra:catalog-move"
                target={dataset}
                label={trans.__('Move to Another Tier…')}
              />
            </div>
            <Verified dataset={dataset} />
            <Unneeded dataset={dataset} />
          </>
        )}
      </Result>
    </div>
  );
}

interface ISuggestionProps {
  care: ICare;
  dataset: IDataset;
}

/** The one thing that would do the dataset good, with the button that does it. */
function Suggestion({ care, dataset }: ISuggestionProps): React.ReactElement | null {
  const { suggestion } = care;
  if (!suggestion) {
    return null;
  }
  const [, tier] = / --tier (\S+)/.exec(suggestion.command) ?? [];
  return (
    <p className={cx('catalog-suggestion')}>
      {suggestion.why}{' '}
      {suggestion.verb === 'compact' || suggestion.verb === 'move' ? (
        <ActionButton
          kind="primary"
          command={`mlinfra:catalog-${suggestion.verb}`}
          args={tier ? { tier } : {}}
          target={dataset}
        />
      ) : (
        <code>{suggestion.command}</code>
      )}
    </p>
  );
}

function Facts({ care }: { care: ICare }): React.ReactElement {
  const { trans } = useWorkbench();
  const files = (count: number, bytes: number): string =>
    trans._n('%2 file, %3', '%2 files, %3', count, format.number(count), format.bytes(bytes));
  return (
    <Pairs
      pairs={[
        [trans.__('tier'), care.tier],
        [trans.__('data files'), files(care.files, care.bytes)],
        [trans.__('below 32 MiB'), care.small > 0 && format.number(care.small)],
        [trans.__('lists of deleted rows'), care.deletes > 0 && format.number(care.deletes)],
        [trans.__('with earlier snapshots'), files(care.all_files, care.all_bytes)],
        [trans.__('read'), trans.__('on %1 of the last 30 days', format.number(care.reads))],
        // A day: when on it, is not kept.
        [trans.__('last read'), care.read_at?.slice(0, 10)],
        [
          trans.__('equal files'),
          care.duplicates
            .map(({ dataset, files: count }) => `${dataset} ${format.number(count)}`)
            .join(', ')
        ],
        [trans.__('location'), <code key="location">{care.location}</code>]
      ]}
    />
  );
}

/** What no snapshot has: looked for on demand, since the whole folder is listed. */
function Unneeded({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [looking, look] = useState(false);
  const query = useQuery(
    `orphans:${dataset.ref}`,
    signal => client.catalog.orphans(dataset.name, signal),
    { topics: ['dataset'], about: dataset.ref, when: looking }
  );
  return (
    <>
      <Heading title={trans.__('Files that no snapshot has')} />
      {looking ? (
        <Result query={query}>{plan => <Found plan={plan} dataset={dataset} />}</Result>
      ) : (
        <div className={cx('bar')}>
          <Button
            label={trans.__('Look for Them')}
            caption={trans.__('In the folders of the dataset; nothing is deleted')}
            onClick={() => look(true)}
          />
        </div>
      )}
    </>
  );
}

interface IFoundProps {
  plan: ICarePlan;
  dataset: IDataset;
}

function Found({ plan, dataset }: IFoundProps): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = [...plan.orphans, ...plan.kept];
  if (!rows.length) {
    return <p className={cx('more')}>{trans.__('There is none.')}</p>;
  }
  return (
    <>
      {plan.orphans.length > 0 && (
        <div className={cx('bar')}>
          <ActionButton
            command="mlinfra:catalog-clean"
            target={dataset}
            label={trans.__('Delete What Can Be Deleted…')}
          />
        </div>
      )}
      <Table<IOrphan>
        label={trans.__('Files of %1 that no snapshot has', dataset.name)}
        columns={[
          {
            key: 'file',
            head: trans.__('file'),
            cell: ({ file }) => <code title={file}>{file.replace(/.*\//, '')}</code>
          },
          {
            key: 'size',
            head: trans.__('size'),
            figure: ({ bytes }) => bytes,
            write: bytes => format.bytes(Number(bytes)),
            sort: ({ bytes }) => bytes,
            width: 100
          },
          { key: 'why', head: trans.__('why'), cell: ({ why }) => why },
          {
            key: 'what',
            head: trans.__('then'),
            cell: item =>
              plan.orphans.includes(item) ? trans.__('can be deleted') : trans.__('is kept'),
            width: 110
          }
        ]}
        rows={rows}
        row={({ file }) => ({ id: file })}
        total={rows.length + plan.more}
      />
    </>
  );
}
