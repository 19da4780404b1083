import { act, screen } from '@testing-library/react';
import React from 'react';

import { ActionButton } from '../action';
import { fakeWorkbench, show } from './workbench';

/** A button in a row, pressed with the keyboard; what it does ends with the call. */
function pressed(): { button: HTMLButtonElement; end: (enabled: boolean) => Promise<void> } {
  const fake = fakeWorkbench();
  const { commands } = fake.workbench;
  let end = (): void => undefined;
  let enabled = true;
  commands.addCommand('test:ask', {
    label: 'Ask…',
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () => enabled,
    execute: () => new Promise<void>(resolve => (end = resolve))
  });
  show(
    fake,
    <div tabIndex={-1} data-testid="row">
      <ActionButton command="test:ask" />
    </div>
  );
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Ask…' });
  button.focus();
  act(() => button.click());
  // Browsers take the focus from a disabled button, jsdom does not.
  const dialog = document.body.appendChild(document.createElement('input'));
  dialog.focus();
  dialog.remove();
  return {
    button,
    end: async then =>
      act(async () => {
        enabled = then;
        end();
      })
  };
}

const row = (): HTMLElement => screen.getByTestId('row');

it('a button has its focus back once what it asked is answered', async () => {
  const { button, end } = pressed();
  expect([button.disabled, document.activeElement]).toEqual([true, document.body]);
  await end(true);
  expect([button.disabled, document.activeElement]).toEqual([false, button]);
});

it('one that can be pressed no more leaves its focus to its row', async () => {
  await pressed().end(false);
  expect(document.activeElement).toBe(row());
});

it('a focus that is elsewhere by now stays there', async () => {
  const { end } = pressed();
  const other = document.body.appendChild(document.createElement('input'));
  other.focus();
  await end(true);
  expect(document.activeElement).toBe(other);
});
