import React from 'react';

import { cx } from './cx';
import type { AnyIcon } from './glyphs';
import { Icon } from './icon';

export interface IButtonProps {
  /** The word on the button; with `bare` its accessible name and tooltip. */
  label: string;
  icon?: AnyIcon;
  kind?: 'default' | 'primary' | 'quiet';
  /** Only the icon is drawn. */
  bare?: boolean;
  disabled?: boolean;
  caption?: string;
  pressed?: boolean;
  /**
   * It sends its form, as Enter in a field of it does; browsers ignore Enter in a form of several
   * fields without such a button.
   */
  submit?: boolean;
  onClick?: (event: React.MouseEvent) => void;
}

/** A button of 24 px. At most one primary button stands in a header. */
export function Button({
  label,
  icon,
  kind = 'default',
  bare,
  disabled,
  caption,
  pressed,
  submit,
  onClick
}: IButtonProps): React.ReactElement {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      className={cx('button', kind !== 'default' && `is-${kind}`)}
      title={caption ?? (bare ? label : undefined)}
      aria-label={bare ? label : undefined}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {!bare && label}
    </button>
  );
}

/** A key that does the same as what stands beside it. */
export function Key({ children }: { children: string }): React.ReactElement {
  return <kbd className={cx('key')}>{children}</kbd>;
}

/** Words that open a page, or fold something out. */
export function Link({
  children,
  onClick,
  title,
  open
}: {
  children: React.ReactNode;
  title?: string;
  /** Whether what it folds out is shown. */
  open?: boolean;
  onClick: () => void;
}): React.ReactElement {
  return (
    <button
      type="button"
      className={cx('link')}
      title={title}
      aria-expanded={open}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
