import React from 'react';

import type { IDataset, IVerified } from '../api/types';
import { ActionButton } from '../components/action';
import { Age } from '../components/age';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { State } from '../components/state';
import { Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

interface IFile {
  readonly file: string;
  readonly why: string;
  readonly isOut: boolean;
}

/** Whether the files are what was written, and what can be done with those that are not. */
export function Verified({ dataset }: { dataset: IDataset }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const query = useQuery(
    `verified:${dataset.ref}`,
    signal => client.catalog.verified(dataset.name, signal),
    { topics: ['dataset'], about: dataset.ref }
  );
  return (
    <>
      <Heading title={trans.__('Are the files as they were written?')} />
      <Result query={query} rows={1}>
        {verified => <Known dataset={dataset} verified={verified} />}
      </Result>
    </>
  );
}

interface IKnownProps {
  dataset: IDataset;
  verified: IVerified;
}

function Known({ dataset, verified }: IKnownProps): React.ReactElement {
  const { trans } = useWorkbench();
  const files = filesOf(verified, trans.__('set aside, its rows are missing'));
  const isDamaged = files.some(({ isOut }) => !isOut);
  return (
    <>
      <div className={cx('bar')}>
        <ActionButton
          command="mlinfra:catalog-verify"
          target={dataset}
          label={trans.__('Verify Files')}
          busyLabel={trans.__('Reading all files…')}
        />
        {isDamaged && (
          <ActionButton
            kind="primary"
            command="mlinfra:catalog-verify"
            target={dataset}
            args={{ what: 'quarantine' }}
            label={trans.__('Set Aside…')}
            caption={trans.__('Take damaged files out, so that the others can be read')}
          />
        )}
        {verified.still_out.length > 0 && (
          <ActionButton
            command="mlinfra:catalog-verify"
            target={dataset}
            args={{ what: 'put-back' }}
            label={trans.__('Put Back')}
            caption={trans.__('Take back those that are whole again, for example from a backup')}
          />
        )}
        <Last verified={verified} isDamaged={isDamaged} />
      </div>
      {files.length > 0 && (
        <Table<IFile>
          label={trans.__('Damaged files of %1', dataset.name)}
          columns={[
            {
              key: 'file',
              head: trans.__('file'),
              cell: ({ file }) => <code title={file}>{file.replace(/.*\//, '')}</code>
            },
            { key: 'why', head: trans.__('why'), cell: ({ why }) => why }
          ]}
          rows={files}
          row={({ file }) => ({ id: file })}
        />
      )}
    </>
  );
}

/** What is damaged and in the dataset, then what is out of it. */
function filesOf({ found, still_out }: IVerified, out: string): readonly IFile[] {
  const damaged = found?.damaged.filter(({ file }) => !still_out.includes(file)) ?? [];
  return [
    ...damaged.map(({ file, why }) => ({ file, why, isOut: false })),
    ...still_out.map(file => ({ file, why: out, isOut: true }))
  ];
}

interface ILastProps {
  verified: IVerified;
  isDamaged: boolean;
}

function Last({ verified: { at, found }, isDamaged }: ILastProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!found) {
    return <span className={cx('quiet')}>{trans.__('never verified')}</span>;
  }
  return (
    <span className={cx('quiet')}>
      <State state={isDamaged ? 'failed' : 'passed'} />{' '}
      {trans.__(
        '%1 of %2 files compared',
        format.number(found.checked),
        format.number(found.files)
      )}{' '}
      <Age at={at} />
    </span>
  );
}
