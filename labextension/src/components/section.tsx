import React, { useId } from 'react';

import { useMemory } from '../hooks/memory';
import { cx } from './cx';

/** Whether a section is open. */
export interface IOpen {
  open: boolean;
  /** Whether its body is drawn: only then may what it shows be asked for. */
  drawn: boolean;
  onOpen: (open: boolean) => void;
}

/** name: where it is kept, as `catalog:namespaces`. */
export function useOpen(name: string, initial = true): IOpen {
  const [open, onOpen, loaded] = useMemory(`section:${name}`, initial);
  return { open, drawn: open && loaded, onOpen };
}

interface ISectionProps extends IOpen {
  title: string;
  /** Such as `50 of 240`. */
  note?: React.ReactNode;
  /** Buttons and chips at the right. */
  children?: React.ReactNode;
  body: () => React.ReactNode;
}

/**
 * A section of a panel that opens and closes; its body is drawn, and asks the server, only while it
 * is open. It is a group, no landmark: the panel is one.
 */
export function Section({
  open,
  drawn,
  onOpen,
  title,
  note,
  children,
  body
}: ISectionProps): React.ReactElement {
  const id = useId();
  return (
    <section className={cx('section')} role="group" aria-labelledby={id}>
      <h3 className={cx('section-title')}>
        <button type="button" id={id} aria-expanded={open} onClick={() => onOpen(!open)}>
          <span className={cx('twist', open && 'is-open')} aria-hidden="true" />
          {title}
        </button>
        <span className={cx('section-note')}>{note}</span>
        <span className={cx('space')} />
        {open && children}
      </h3>
      {drawn && <div className={cx('section-body')}>{body()}</div>}
    </section>
  );
}
