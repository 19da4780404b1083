import { act, fireEvent, screen, waitFor } from '@testing-library/react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { openQuick } from '../quick';

describe('the search over everything', () => {
  it('closes with Escape though what had the focus is gone', async () => {
    const fake = fakeWorkbench();
    const before = document.body.appendChild(document.createElement('button'));
    before.focus();
    act(() => openQuick(fake.workbench));
    const box = await waitFor(() => screen.getByRole('searchbox'));
    act(() => box.blur());
    expect(document.activeElement).toBe(document.body);
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(before);
  });

  it('leaves Escape to a dialog above it', async () => {
    act(() => openQuick(fakeWorkbench().workbench));
    await waitFor(() => screen.getByRole('searchbox'));
    const above = document.body.appendChild(document.createElement('input'));
    fireEvent.keyDown(above, { key: 'Escape' });
    expect(screen.queryByRole('dialog')).not.toBeNull();
    fireEvent.keyDown(screen.getByRole('searchbox'), { key: 'Escape' });
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});
