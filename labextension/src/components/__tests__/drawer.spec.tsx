import { fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import { CallCode } from '../drawer';
import { fakeWorkbench, show } from './workbench';

const button = (name: string): HTMLButtonElement => screen.getByRole('button', { name });

describe('code that does not come', () => {
  const refused = new ApiError('forbidden', 'You may not read jobs.', 'No right.', 'Ask Ada.');

  it.each([
    ['of a page without code', undefined],
    ['of a page that shows another', { python: 'page()' }]
  ])('%s says why, and is asked for once more', async (_, page) => {
    const code = jest
      .fn<Promise<object>, []>()
      .mockRejectedValueOnce(refused)
      .mockResolvedValue({ python: 'call()' });
    show(fakeWorkbench({ code }), <CallCode call={['job:7']} page={page} />);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('You may not read jobs.');
    expect(alert.title).toBe('You may not read jobs.\nNo right.\nAsk Ada.');
    expect([button('Insert').disabled, button('Copy').disabled]).toEqual([true, true]);
    fireEvent.click(button('Try Again'));
    await waitFor(() => expect(button('Insert').disabled).toBe(false));
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText(/call/)).toBeTruthy();
  });
});
