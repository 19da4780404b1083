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

  it('is there once, and goes when something else takes the focus', async () => {
    const { workbench } = fakeWorkbench();
    const page = document.body.appendChild(document.createElement('button'));
    act(() => openQuick(workbench));
    const box = await waitFor(() => screen.getByRole('searchbox'));
    act(() => box.blur());
    act(() => openQuick(workbench));
    expect(screen.getAllByRole('dialog')).toHaveLength(1);
    expect(document.activeElement).toBe(box);
    act(() => page.focus());
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(page);
    act(() => openQuick(workbench));
    expect(await waitFor(() => screen.getByRole('searchbox'))).toBeDefined();
    fireEvent.keyDown(screen.getByRole('searchbox'), { key: 'Escape' });
  });
});
