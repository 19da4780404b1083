import React from 'react';

import { useWorkbench } from '../hooks/context';
import { Button } from './button';
import { cx } from './cx';

interface IFormProps {
  label: string;
  onSubmit: () => unknown;
  /** Escape, and a button. */
  onClose: () => void;
  children: React.ReactNode;
}

/** Fields in a line below what they change; Enter sends them. */
export function InlineForm({ label, onSubmit, onClose, children }: IFormProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <form
      className={cx('inline-form')}
      aria-label={label}
      onKeyDown={event => event.key === 'Escape' && onClose()}
      onSubmit={event => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
      <Button label={trans.__('Close')} onClick={onClose} />
    </form>
  );
}
