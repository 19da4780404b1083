import { useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import type { IDatasetDetail } from '../../api/types';
import { PageContext } from '../../hooks/page';

/**
 * The dataset as it was when the page was opened, until its user asks for what came since: rows
 * that someone reads do not jump. What is known of it without a new snapshot (owner, tags) is
 * always the newest. A table of a domain has no snapshots: its rows are those of the time at which it
 * was opened, however often it is written.
 */
export function useHeld(newest: IDatasetDetail | undefined): {
  detail: IDatasetDetail | undefined;
  /** Show the newest that is known. */
  update: () => void;
  /** Show the next answer. */
  follow: () => void;
} {
  const [held, hold] = useState<IDatasetDetail>();
  /** The answer after which the next one is shown. */
  const [last, setLast] = useState<IDatasetDetail>();
  const update = useCallback(() => hold(undefined), []);
  const follow = useCallback(() => setLast(newest), [newest]);
  if (newest && (!held || (last && last !== newest))) {
    hold(newest);
    setLast(undefined);
  }
  const detail = useMemo(
    () =>
      newest?.dataset.domain && held
        ? { ...newest, dataset: { ...newest.dataset, updated_at: held.dataset.updated_at } }
        : newest,
    [newest, held]
  );
  if (!newest || !held || held.dataset.snapshot === newest.dataset.snapshot) {
    return { detail, update, follow };
  }
  return {
    detail: { ...held, newer: Math.max(1, newest.snapshots - held.snapshots) },
    update,
    follow
  };
}

/** Do something each time that the page is asked for while it is open. */
export function useAgain(act: () => void): void {
  const { turn } = useContext(PageContext);
  const drawn = useRef(turn);
  useEffect(() => {
    if (drawn.current !== turn) {
      drawn.current = turn;
      act();
    }
  }, [turn, act]);
}
