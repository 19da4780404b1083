import React from 'react';

import type { IPage } from '../api/types';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import type { IQuery, IQueryOptions } from '../hooks/query';
import { Result } from './card';
import { More } from './more';
import { Section, useOpen } from './section';

interface IListSectionProps<P extends IPage<unknown>> extends Pick<
  IQueryOptions<P>,
  'topics' | 'every'
> {
  /** Under which it is kept whether the section is open, such as `models:deployments`. */
  name: string;
  /** Whether it is open at first. */
  initial?: boolean;
  /** The key of the list. */
  list: string;
  title: string;
  fetch: (limit: number, signal: AbortSignal) => Promise<P>;
  /** Beside the title; by default how many of how many rows are shown. */
  note?: (page: P) => React.ReactNode;
  /** Lines that stand for the list while it is asked for. */
  lines?: number;
  /** In place of a list that has no rows. */
  empty: (page: P) => React.ReactNode;
  /** The rows. */
  body: (page: P, query: IQuery<P>) => React.ReactNode;
  /** Buttons at the right of the title. */
  children?: React.ReactNode;
}

/** A section of a panel that shows a list of the server, and grows on demand. */
export function ListSection<P extends IPage<unknown>>({
  name,
  initial,
  list,
  title,
  fetch,
  note,
  lines,
  empty,
  body,
  children,
  ...options
}: IListSectionProps<P>): React.ReactElement {
  const { trans } = useWorkbench();
  const section = useOpen(name, initial);
  const { query, onMore } = useList(list, fetch, { ...options, when: section.drawn });
  const shown =
    note ?? (page => trans.__('%1 of %2', format.number(page.shown), format.number(page.total)));
  return (
    <Section
      {...section}
      title={title}
      note={section.open && query.data && shown(query.data)}
      body={() => (
        <Result query={query} rows={lines}>
          {page =>
            page.items.length ? (
              <>
                {body(page, query)}
                <More page={page} onMore={onMore} />
              </>
            ) : (
              empty(page)
            )
          }
        </Result>
      )}
    >
      {children}
    </Section>
  );
}
