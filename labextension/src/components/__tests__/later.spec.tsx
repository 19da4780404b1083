import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { Later } from '../later';
import { fakeWorkbench, show } from './workbench';

const Hello = ({ name }: { name: string }): React.ReactElement => <p>hello {name}</p>;

it('code that could not be fetched is fetched again when its card is told to retry', async () => {
  const silence = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const load = jest
    .fn<Promise<{ default: typeof Hello }>, []>()
    .mockRejectedValueOnce(new Error('Loading chunk 7 failed.'))
    .mockResolvedValue({ default: Hello });
  show(fakeWorkbench(), <Later load={load} props={{ name: 'ana' }} waiting={<i>wait</i>} />);
  expect(screen.getByText('wait')).toBeTruthy();
  await screen.findByRole('alert');
  expect(load).toHaveBeenCalledTimes(1);
  fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
  expect(await screen.findByText('hello ana')).toBeTruthy();
  expect(load).toHaveBeenCalledTimes(2);
  silence.mockRestore();
});

it('what was fetched once is drawn at once, for everyone', async () => {
  const load = jest.fn(async () => ({ default: Hello }));
  const fake = fakeWorkbench();
  const { unmount } = show(fake, <Later load={load} props={{ name: 'ana' }} />);
  await screen.findByText('hello ana');
  unmount();
  show(fake, <Later load={load} props={{ name: 'bob' }} />);
  expect(screen.getByText('hello bob')).toBeTruthy();
  expect(load).toHaveBeenCalledTimes(1);
});
