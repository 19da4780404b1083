import React, { useId } from 'react';

import { useMemory } from '../hooks/memory';
import { cx } from './cx';

interface ISectionProps {
  /** Where its state is kept: `catalog:namespaces`. */
  name: string;
  title: string;
  /** Such as `50 of 240`. */
  note?: React.ReactNode;
  /** Buttons and chips at the right. */
  children?: React.ReactNode;
  body: () => React.ReactNode;
  closed?: boolean;
}

/** A section of a panel that opens and closes; its body is drawn, and asks the server, only while it is open. It is a group, no landmark: the panel is one. */
export function Section({ name, title, note, children, body, closed = false }: ISectionProps): React.ReactElement {
  const [open, setOpen] = useMemory(`section:${name}`, !closed);
  const id = useId();
  return (
    <section className={cx('section')} role="group" aria-labelledby={id}>
      <h3 className={cx('section-title')}>
        <button type="button" id={id} aria-expanded={open} onClick={() => setOpen(!open)}>
          <span className={cx('twist', open && 'is-open')} aria-hidden="true" />
          {title}
        </button>
        <span className={cx('section-note')}>{note}</span>
        <span className={cx('space')} />
        {open && children}
      </h3>
      {open && <div className={cx('section-body')}>{body()}</div>}
    </section>
  );
}
