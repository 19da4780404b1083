import { act, screen } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { PipelineContext } from '../document';
import { Opened } from '../opened';

it('an editor is drawn once its file is read, with the paths of its project', async () => {
  let read = (): void => undefined;
  const context = {
    isReady: false,
    ready: new Promise<void>(resolve => (read = resolve))
  } as unknown as PipelineContext;
  show(
    fakeWorkbench({ project: async () => ({ path: 'work/flights' }) }),
    <Opened context={context}>
      {inside => <p>{`${inside('work/flights/a.yaml')} ${inside('other/b.yaml')}`}</p>}
    </Opened>
  );
  await act(async () => undefined);
  expect(screen.queryByText('a.yaml null')).toBeNull();
  await act(async () => read());
  expect(screen.getByText('a.yaml null')).toBeTruthy();
});
