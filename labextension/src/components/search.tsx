import React, { useEffect, useRef, useState } from 'react';

import type { IFacets } from '../api/client';
import type { IHit } from '../api/types';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useList } from '../hooks/list';
import { useSettled } from '../hooks/settled';
import { kinds } from '../kinds';
import { nameOf } from '../refs';
import { Result } from './card';
import { cx } from './cx';
import { FacetBar } from './facets';
import { Icon } from './icon';
import { List } from './list';
import { More } from './more';

/** What is searched for. */
export interface ISearch {
  words: string;
  /** The words once the typing has paused: those whose results are shown. */
  settled: string;
  /** Whether the focus is to go to the results as soon as those of all words are there. */
  going: boolean;
  type: (words: string) => void;
  go: (going: boolean) => void;
}

export function useSearch(): ISearch {
  const [words, setWords] = useState('');
  const [going, go] = useState(false);
  const settled = useSettled(words.trim(), 120);
  const type = (next: string): void => {
    go(false);
    setWords(next);
  };
  return { words, settled, going: going && settled === words.trim(), type, go };
}

/** Give the focus to the first list inside a node. */
const focusList = (host: Element | null | undefined): void =>
  host?.querySelector<HTMLElement>('[role="tree"] [tabindex="0"]')?.focus();

interface ISearchBoxProps {
  search: ISearch;
  placeholder: string;
  /**
   * The chip that chooses between every kind and the panel's own; left out where everything is
   * searched.
   */
  scope?: { all: boolean; panel: string; onScope: (all: boolean) => void };
}

/** The same box at the head of every panel. Arrow down goes to the results, Escape empties it. */
export function SearchBox({ search, placeholder, scope }: ISearchBoxProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { words, type, go } = search;
  const onKeyDown = (event: React.KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      if (words.trim()) {
        go(true); // what is in sight now may be the results of fewer words, and go away
      } else {
        focusList(event.currentTarget.closest('[data-mlinfra-frame]'));
      }
    } else if (event.key === 'Escape' && words) {
      event.stopPropagation();
      type('');
    }
  };
  return (
    <div className={cx('search')} role="search" aria-label={trans.__('Objects')}>
      <Icon name="search" />
      <input
        type="search"
        value={words}
        placeholder={placeholder}
        aria-label={trans.__('Search the workbench')}
        spellCheck={false}
        onChange={event => type(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => go(false)}
      />
      {scope && (
        <button
          type="button"
          className={cx('scope')}
          title={trans.__('What is searched: everything, or only what this panel shows')}
          aria-pressed={!scope.all}
          onClick={() => scope.onScope(!scope.all)}
        >
          {scope.all ? trans.__('all') : scope.panel.toLowerCase()}
        </button>
      )}
    </div>
  );
}

/** Characters that the server takes. */
const LONGEST = 2_000;

interface IResultsProps {
  search: ISearch;
  /** The panel whose kinds come first; none where everything is searched alike. */
  panel?: string;
  all: boolean;
}

/** What the search box finds. */
export function SearchResults(props: IResultsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { length } = props.search.settled;
  return length > LONGEST ? (
    <p className={cx('results-note')} role="status">
      {trans.__(
        'This text is too long for a search: it has %1 characters, and %2 are read. A few words find more.',
        format.number(length),
        format.number(LONGEST)
      )}
    </p>
  ) : (
    <Found {...props} />
  );
}

/** Objects of every kind that hold the words, the panel's own kinds first. */
function Found({ search, panel, all }: IResultsProps): React.ReactElement {
  const { settled: words, going, go } = search;
  const { client, trans } = useWorkbench();
  const own = panel === undefined ? [] : kinds.of(panel);
  const [chosen, choose] = useState<IFacets>({});
  const { query, onMore } = useList(
    `search:${all}:${panel}:${words}:${JSON.stringify(chosen)}`,
    (limit, signal) => client.search(words, all ? [] : own, limit, signal, chosen),
    { every: () => null, list: `${all}:${panel}` }
  );
  const host = useRef<HTMLDivElement>(null);
  const arrived = query.data !== undefined && !query.borrowed;
  useEffect(() => {
    if (going && arrived) {
      focusList(host.current);
      go(false);
    }
  }, [going, arrived, go]);
  return (
    <div ref={host}>
      <Result query={query} rows={3}>
        {page => {
          const found = [...new Set(page.items.map(hit => hit.kind))].sort(
            (a, b) => Number(own.includes(b)) - Number(own.includes(a))
          );
          return (
            <>
              <p className={cx('results-note')} aria-live="polite">
                {page.total === 0
                  ? trans.__('Nothing matches these words.')
                  : trans.__('%1 of %2', page.shown, page.total)}
              </p>
              <FacetBar page={page} chosen={chosen} onChoose={choose} />
              {page.note && <p className={cx('results-note')}>{page.note}</p>}
              {found.map(kind => (
                <section key={kind} className={cx('section', 'results')}>
                  <h3 className={cx('section-title')}>
                    <span className={cx('section-word')}>{kinds.get(kind)?.plural ?? kind}</span>
                  </h3>
                  <Hits
                    hits={page.items.filter(hit => hit.kind === kind)}
                    label={kinds.get(kind)?.plural ?? kind}
                    words={words}
                  />
                </section>
              ))}
              <More page={page} onMore={onMore} rest={trans.__('more words find the rest')} />
            </>
          );
        }}
      </Result>
    </div>
  );
}

function Hits({
  hits,
  label,
  words
}: {
  hits: readonly IHit[];
  label: string;
  words: string;
}): React.ReactElement {
  return (
    <List
      label={label}
      rows={hits.map(hit => ({
        id: hit.ref,
        ref: hit.ref,
        code: hit.code || undefined,
        icon: kinds.icon(hit.kind),
        name: <Marked text={hit.name || nameOf(hit.ref)} words={words} />,
        meta: hit.detail && <span className={cx('row-detail')}>{hit.detail}</span>,
        title: [hit.ref, hit.detail].filter(Boolean).join('\n')
      }))}
    />
  );
}

/** A text with the searched words set strong. */
function Marked({ text, words }: { text: string; words: string }): React.ReactElement {
  const terms = words
    .split(/\s+/)
    .filter(Boolean)
    .map(term => term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (!terms.length) {
    return <>{text}</>;
  }
  const parts = text.split(new RegExp(`(${terms.join('|')})`, 'gi'));
  return <>{parts.map((part, index) => (index % 2 ? <mark key={index}>{part}</mark> : part))}</>;
}
