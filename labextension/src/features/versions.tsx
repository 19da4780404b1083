import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import type { IViewComparison, IViewDetail } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { choices, Select } from '../components/select';
import { Table } from '../components/table';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

interface IDifference {
  what: string;
  before: string;
  after: string;
}

/** What differs between two versions of a view. */
export function Versions({ detail }: { detail: IViewDetail }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { versions, view } = detail;
  const now = view.name.replace(/@v\d+$/, '');
  const [before, setBefore] = useState(versions[1] ?? versions[0] ?? now);
  const [after, setAfter] = useState(view.name);
  const names = [now, ...versions];
  const query = useQuery(
    `compare:${before} ${after}`,
    signal => client.features.compare(before, after, signal),
    { topics: ['view'] }
  );
  return (
    <div className={cx('scroll')}>
      <Heading title={trans.__('Versions')} note={trans.__('what differs between two of them')}>
        <Select
          label={trans.__('before')}
          value={before}
          options={choices(names, before)}
          onChange={setBefore}
        />
        <Select
          label={trans.__('after')}
          value={after}
          options={choices(names, after)}
          onChange={setAfter}
        />
      </Heading>
      <Result query={query}>
        {found =>
          found.same ? (
            <p className={cx('more')}>{trans.__('They do not differ.')}</p>
          ) : (
            <Differences found={found} />
          )
        }
      </Result>
    </div>
  );
}

function Differences({ found }: { found: IViewComparison }): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = differencesOf(found, trans);
  const text = (value: string): React.ReactElement => <span title={value}>{value || '–'}</span>;
  return (
    <>
      {rows.length > 0 && (
        <Table
          label={trans.__('Differences of %1 and %2', found.before, found.after)}
          columns={[
            {
              key: 'what',
              head: trans.__('what'),
              width: 220,
              cell: ({ what }) => <span className={cx('strong-name')}>{what}</span>
            },
            { key: 'before', head: found.before, width: 300, cell: ({ before }) => text(before) },
            { key: 'after', head: found.after, width: 300, cell: ({ after }) => text(after) }
          ]}
          rows={rows}
          row={({ what }) => ({ id: what, ref: '' })}
        />
      )}
      {found.code && (
        <section aria-label={trans.__('Code of the transformation')}>
          <Heading title={trans.__('Code of the transformation')} />
          <div className={cx('inset')}>
            <pre tabIndex={0}>{found.code}</pre>
          </div>
        </section>
      )}
    </>
  );
}

function differencesOf(found: IViewComparison, trans: TranslationBundle): IDifference[] {
  const { added, removed, retyped, changes } = found;
  return [
    ...added.map(name => ({ what: name, before: '', after: trans.__('new feature') })),
    ...removed.map(name => ({ what: name, before: trans.__('feature'), after: trans.__('gone') })),
    ...Object.entries(retyped).map(([name, [before = '', after = '']]) => ({
      what: trans.__('type of %1', name),
      before,
      after
    })),
    ...changes
  ];
}
