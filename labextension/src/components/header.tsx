import React, { useEffect, useId, useRef } from 'react';

import { dragFrom } from '../code/drag';
import { hasCode, pythonOf } from '../code/snippets';
import { useWorkbench } from '../hooks/context';
import { short } from '../refs';
import { Button } from './button';
import { failed } from './confirm';
import { cx } from './cx';
import { errorText } from './explain';
import type { AnyIcon } from './glyphs';
import { Icon } from './icon';
import { rove } from './keyboard';

interface IPageHeaderProps {
  icon: AnyIcon;
  title: string;
  reference: string;
  /** The reference with the exact version: what is shown and copied, and dragged with Shift. */
  pinned?: string;
  /** Its Python, if that is not the code of the reference. */
  code?: string;
  /** A state chip or tags beside the title. */
  mark?: React.ReactNode;
  /** Buttons; at most one primary. */
  children?: React.ReactNode;
}

/** The head of a page: 40 px. */
export function PageHeader(props: IPageHeaderProps): React.ReactElement {
  const { icon, title, reference, pinned, code: own, mark, children } = props;
  const workbench = useWorkbench();
  const { code, trans } = workbench;
  return (
    <div className={cx('page-header')}>
      <Icon name={icon} />
      <h1
        title={[title, reference].filter(Boolean).join('\n')}
        onMouseDown={event =>
          (own ?? hasCode(reference)) &&
          dragFrom(
            event,
            exact => [exact ? (pinned ?? reference) : reference],
            title,
            async refs => own ?? pythonOf(workbench, refs),
            error => failed(errorText(error, trans), trans)
          )
        }
      >
        {title}
      </h1>
      {mark}
      {reference && (
        <button
          type="button"
          className={cx('ref')}
          title={`${trans.__('Copy this reference')}\n${pinned ?? reference}`}
          onClick={() => code.copy(pinned ?? reference)}
        >
          {short(pinned ?? reference)}
        </button>
      )}
      <span className={cx('space')} />
      {children}
    </div>
  );
}

/** Facts in one line, divided by dots. */
export function Facts({ children }: { children: React.ReactNode }): React.ReactElement {
  return (
    <div className={cx('facts')}>
      {React.Children.toArray(children)
        .filter(fact => fact !== '')
        .map((fact, index) => (
          <span key={index}>{fact}</span>
        ))}
    </div>
  );
}

export interface ITab {
  name: string;
  label: string;
}

interface ITabsProps {
  tabs: readonly ITab[];
  current: string;
  onSelect: (name: string) => void;
  /** Stands at the right end. */
  note?: React.ReactNode;
  /**
   * How often a key led to the current tab: the focus then goes to its first field, else to its
   * first row or button.
   */
  led?: number;
  children: React.ReactNode;
}

/** What takes the focus in a tab, in this order. */
const FIRST = [
  'input:not([type="checkbox"]), textarea, select',
  '[data-row][tabindex="0"]',
  'button'
];

function focusFirst(panel: Element | null): void {
  for (const selector of FIRST) {
    const found = [
      ...(panel?.querySelectorAll<HTMLElement>(`:is(${selector}):not(:disabled)`) ?? [])
    ];
    if (found[0]) {
      found[0].focus();
      return;
    }
  }
}

/** Tabs of a page, by the ARIA pattern: one tab stop, arrows move. */
export function Tabs({
  tabs,
  current,
  onSelect,
  note,
  led = 0,
  children
}: ITabsProps): React.ReactElement {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (led) {
      focusFirst(panel.current);
    }
  }, [led]);
  const move = (event: React.KeyboardEvent): void => {
    const index = tabs.findIndex(tab => tab.name === current);
    const next = rove(event.key, index, tabs.length, 'horizontal');
    const tab = next === null ? undefined : tabs[next];
    if (tab) {
      event.preventDefault();
      onSelect(tab.name);
      document.getElementById(`${id}-${tab.name}`)?.focus();
    }
  };
  return (
    <>
      <div className={cx('tabs')}>
        <div role="tablist" onKeyDown={move}>
          {tabs.map(({ name, label }) => (
            <button
              key={name}
              id={`${id}-${name}`}
              type="button"
              role="tab"
              aria-selected={name === current}
              aria-controls={`${id}-panel`}
              tabIndex={name === current ? 0 : -1}
              onClick={() => onSelect(name)}
            >
              {label}
            </button>
          ))}
        </div>
        <span className={cx('space')} />
        {note && <span className={cx('tabs-note')}>{note}</span>}
      </div>
      <div
        ref={panel}
        className={cx('tab-panel')}
        id={`${id}-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-${current}`}
      >
        {children}
      </div>
    </>
  );
}

/** A heading inside a page: 28 px, with a quiet note. */
export function Heading({
  title,
  note,
  children
}: {
  title: string;
  note?: React.ReactNode;
  children?: React.ReactNode;
}): React.ReactElement {
  return (
    <h2 className={cx('heading')}>
      {title}
      {note && <span className={cx('quiet')}>{note}</span>}
      <span className={cx('space')} />
      {children}
    </h2>
  );
}

/** The primary button of most pages. */
export function InsertButton({
  code,
  primary = true
}: {
  code: string | undefined;
  primary?: boolean;
}): React.ReactElement {
  const workbench = useWorkbench();
  return (
    <Button
      kind={primary ? 'primary' : 'default'}
      icon="code"
      label={workbench.trans.__('Insert Code')}
      disabled={!code}
      onClick={() => code && void workbench.code.insertBelow(code)}
    />
  );
}
