import React from 'react';

import type { IHit } from '../api/types';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { nameOf, PANEL_KINDS, type PanelName } from '../refs';
import { Result } from './card';
import { cx } from './cx';
import { Icon } from './icon';
import { iconOf, kindWord } from './kinds';
import { List } from './list';

interface ISearchBoxProps {
  words: string;
  placeholder: string;
  onWords: (words: string) => void;
  /** The chip that chooses between every kind and the panel's own; left out where everything is searched. */
  scope?: { all: boolean; panel: string; onScope: (all: boolean) => void };
}

/** The same box at the head of every panel. Arrow down goes to the results, Escape empties it. */
export function SearchBox({ words, placeholder, onWords, scope }: ISearchBoxProps): React.ReactElement {
  const { trans } = useWorkbench();
  const onKeyDown = (event: React.KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      event.currentTarget
        .closest('[data-mlinfra-frame]')
        ?.querySelector<HTMLElement>('[role="tree"] [tabindex="0"]')
        ?.focus();
    } else if (event.key === 'Escape' && words) {
      event.stopPropagation();
      onWords('');
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
        onChange={event => onWords(event.target.value)}
        onKeyDown={onKeyDown}
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

const LIMIT = 50;

/** Objects of every kind that hold the words, the panel's own kinds first. */
export function SearchResults({
  words,
  panel,
  all
}: {
  words: string;
  panel: PanelName;
  all: boolean;
}): React.ReactElement {
  const { client, trans } = useWorkbench();
  const own: readonly string[] = PANEL_KINDS[panel];
  const query = useQuery(
    `search:${all}:${panel}:${words}`,
    signal => client.search(words, all ? [] : own, LIMIT, signal),
    { every: () => null }
  );
  return (
    <Result query={query} rows={3}>
      {page => {
        const kinds = [...new Set(page.items.map(hit => hit.kind))].sort(
          (a, b) => Number(own.includes(b)) - Number(own.includes(a))
        );
        return (
          <>
            <p className={cx('results-note')} aria-live="polite">
              {page.total === 0 ? trans.__('Nothing holds these words.') : trans.__('%1 of %2', page.shown, page.total)}
            </p>
            {page.note && <p className={cx('results-note')}>{page.note}</p>}
            {kinds.map(kind => (
              <section key={kind} className={cx('section', 'results')}>
                <h3 className={cx('section-title')}>
                  <span className={cx('section-word')}>{kindWord(kind, trans)}</span>
                </h3>
                <Hits hits={page.items.filter(hit => hit.kind === kind)} label={kindWord(kind, trans)} words={words} />
              </section>
            ))}
          </>
        );
      }}
    </Result>
  );
}

function Hits({ hits, label, words }: { hits: readonly IHit[]; label: string; words: string }): React.ReactElement {
  return (
    <List
      label={label}
      rows={hits.map(hit => ({
        id: hit.ref,
        ref: hit.ref,
        icon: iconOf(hit.kind),
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
