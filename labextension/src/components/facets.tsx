import React from 'react';

import type { IFacets } from '../api/client';
import type { IHitPage } from '../api/types';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { cx } from './cx';

/** Values of a facet that are offered. */
const SHOWN = 6;
const NAMES = ['owner', 'tag', 'namespace'] as const;

interface IFacetsProps {
  page: IHitPage;
  chosen: IFacets;
  onChoose: (chosen: IFacets) => void;
}

/** By what the results can be narrowed: a button for each of the most frequent values. */
export function FacetBar({ page, chosen, onChoose }: IFacetsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const words = {
    owner: trans.__('owner'),
    tag: trans.__('tag'),
    namespace: trans.__('namespace')
  };
  const toggle = (name: keyof IFacets, value: string): void => {
    const values = chosen[name] ?? [];
    onChoose({
      ...chosen,
      [name]: values.includes(value) ? values.filter(one => one !== value) : [...values, value]
    });
  };
  return (
    <>
      {NAMES.map(name => {
        const counts = page.facets[name] ?? {};
        const picked = chosen[name] ?? [];
        const offered = Object.keys(counts).filter(value => !picked.includes(value));
        const values = [...picked, ...offered].slice(0, Math.max(SHOWN, picked.length));
        return (
          values.length > 0 &&
          (picked.length > 0 || values.length > 1) && (
            <p
              key={name}
              className={cx('results-note', 'facets')}
              role="group"
              aria-label={words[name]}
            >
              {words[name]}
              {values.map(value => (
                <button
                  key={value}
                  type="button"
                  className={cx('scope')}
                  aria-pressed={picked.includes(value)}
                  onClick={() => toggle(name, value)}
                >
                  {value} {format.number(counts[value] ?? 0)}
                </button>
              ))}
            </p>
          )
        );
      })}
    </>
  );
}
