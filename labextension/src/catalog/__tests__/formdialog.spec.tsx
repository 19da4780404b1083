import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { askForm } from '../formdialog';

function Form({ onReady }: { onReady: (value: string | null) => void }): React.ReactElement {
  return <input aria-label="key" onChange={({ target }) => onReady(target.value || null)} />;
}

const button = (name: string): HTMLButtonElement =>
  screen.getByRole('button', { name, hidden: true });

/** The dialog, with its form drawn and in focus. */
async function opened(isFinal: boolean): Promise<{ field: HTMLElement; answer: Promise<unknown> }> {
  const answer = askForm<string>(fakeWorkbench().workbench, {
    title: 'Let It Go',
    cancel: 'Keep',
    accept: 'Expire',
    isFinal,
    form: onReady => <Form onReady={onReady} />
  });
  const field = await screen.findByLabelText('key');
  return { field, answer };
}

function type(field: HTMLElement, value: string): void {
  act(() => field.focus());
  fireEvent.input(field, { target: { value } });
}

describe('a dialog with a form', () => {
  it.each([true, false])('is accepted only when the form is ready; final: %s', async isFinal => {
    const { field, answer } = await opened(isFinal);
    expect(button('Expire').disabled).toBe(true);
    type(field, 'id');
    expect(button('Expire').disabled).toBe(false);
    type(field, '');
    expect(button('Expire').disabled).toBe(true);
    fireEvent.keyDown(field, { key: 'Enter' });
    expect(document.querySelector('.jp-Dialog')).toBeTruthy();
    type(field, 'nr');
    fireEvent.keyDown(field, { key: 'Enter' });
    if (isFinal) {
      expect(document.querySelector('.jp-Dialog')).toBeTruthy();
      act(() => button('Expire').click());
    }
    expect(await answer).toBe('nr');
    await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeNull());
  });

  it('is walked through with Tab, round and round, also while it cannot be accepted', async () => {
    const { field, answer } = await opened(true);
    const first = document.querySelector<HTMLElement>('.jp-Dialog-header button') ?? field;
    act(() => button('Keep').focus());
    fireEvent.keyDown(button('Keep'), { key: 'Tab' });
    expect(document.activeElement).toBe(first);
    fireEvent.keyDown(first, { key: 'Tab', shiftKey: true });
    expect(document.activeElement).toBe(button('Keep'));
    type(field, 'id');
    act(() => button('Keep').focus());
    expect(fireEvent.keyDown(button('Keep'), { key: 'Tab' })).toBe(true); // the browser's
    act(() => button('Expire').focus());
    expect(fireEvent.keyDown(button('Expire'), { key: 'Tab' })).toBe(false);
    expect(document.activeElement).toBe(first);
    act(() => button('Keep').click());
    expect(await answer).toBeNull();
  });
});
