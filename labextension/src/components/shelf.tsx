import React, { useSyncExternalStore } from 'react';

import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { kinds as all } from '../kinds';
import { nameOfSeen } from '../names';
import { kindOf } from '../refs';
import type { IVisit } from '../tokens';
import { Button } from './button';
import { cx } from './cx';
import { List } from './list';
import { RefName } from './refname';
import type { IRemoved } from './rows';
import { Section, useOpen } from './section';

const RECENT_SHOWN = 6;

function useShelf(): { pinned: readonly string[]; recent: readonly IVisit[] } {
  const { shelf } = useWorkbench();
  const pinned = useSyncExternalStore(shelf.subscribe, () => shelf.pinned);
  const recent = useSyncExternalStore(shelf.subscribe, () => shelf.recent);
  return { pinned, recent };
}

/** Pins an object, or takes its pin away. */
export function PinButton({ reference }: { reference: string }): React.ReactElement {
  const { shelf, trans } = useWorkbench();
  const isPinned = useShelf().pinned.includes(reference);
  return (
    <Button
      bare
      kind="quiet"
      icon="pin"
      pressed={isPinned}
      label={isPinned ? trans.__('Unpin') : trans.__('Pin')}
      onClick={() => shelf.pin(reference, !isPinned)}
    />
  );
}

interface IPinnedProps {
  /** Where its state is kept. */
  name: string;
  title: string;
  kinds: readonly string[];
  /** The text while nothing is pinned; without it there is no section then. */
  empty?: string;
}

/** The objects of these kinds that the user pinned with `p`. */
export function Pinned({ name, title, kinds, empty }: IPinnedProps): React.ReactElement | null {
  const workbench = useWorkbench();
  const { shelf, trans } = workbench;
  const section = useOpen(name);
  const pinned = useShelf().pinned.filter(ref => kinds.includes(kindOf(ref)));
  if (!pinned.length && !empty) {
    return null;
  }
  const unpin = (refs: readonly string[]): IRemoved => {
    const before = shelf.pinned;
    refs.forEach(ref => shelf.pin(ref, false));
    const names = refs.map(ref => nameOfSeen(workbench, ref)).join(', ');
    return {
      message: trans._n('%2 is no longer pinned.', '%2 are no longer pinned.', refs.length, names),
      undo: () => refs.forEach(ref => shelf.pin(ref, true, before))
    };
  };
  const rows = pinned.map(ref => ({
    id: ref,
    ref,
    icon: all.icon(kindOf(ref)),
    name: <RefName reference={ref} />,
    title: ref,
    meta: (
      <>
        <span className={cx('row-detail')}>{all.get(kindOf(ref))?.label ?? kindOf(ref)}</span>
        <Button
          bare
          kind="quiet"
          icon="close"
          label={trans.__('Unpin')}
          onClick={() => shelf.pin(ref, false)}
        />
      </>
    )
  }));
  return (
    <Section
      {...section}
      title={title}
      note={String(pinned.length)}
      body={() =>
        rows.length ? (
          <List label={title} rows={rows} onRemove={unpin} />
        ) : (
          <p className={cx('more')}>{empty}</p>
        )
      }
    />
  );
}

/** The pages of these kinds that were opened last. */
export function Recent({
  name,
  kinds
}: {
  name: string;
  kinds: readonly string[];
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  const section = useOpen(name);
  const recent = useShelf()
    .recent.filter(({ ref }) => kinds.includes(kindOf(ref)))
    .slice(0, RECENT_SHOWN);
  if (!recent.length) {
    return null;
  }
  return (
    <Section
      {...section}
      title={trans.__('Recent')}
      note={String(recent.length)}
      body={() => (
        <List
          label={trans.__('Recently opened')}
          rows={recent.map(({ ref, at }) => ({
            id: ref,
            ref,
            icon: all.icon(kindOf(ref)),
            name: <RefName reference={ref} />,
            title: ref,
            meta: <span>{format.time(at)}</span>
          }))}
        />
      )}
    />
  );
}
