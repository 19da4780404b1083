import { Widget } from '@lumino/widgets';
import { act } from '@testing-library/react';
import React, { useEffect } from 'react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import type { IPageProps, IPageSpec } from '../../tokens';
import { PageWidget } from '../page';

function Named({ onTitle }: IPageProps): React.ReactElement {
  useEffect(() => onTitle?.('train 7f3a'), [onTitle]);
  return <h1>train</h1>;
}

it('a page gives its tab the name of what it shows', async () => {
  const spec = { icon: 'jobs', title: (name: string) => `job ${name}` } as IPageSpec;
  const page = new PageWidget(fakeWorkbench().workbench, spec, 'job:7f3a99c1', Named);
  expect(page.title.label).toBe('job 7f3a99c1');
  await act(async () => {
    Widget.attach(page, document.body);
    page.content.node.dispatchEvent(new Event('focus'));
    await page.content.renderPromise;
  });
  expect(page.title.label).toBe('train 7f3a');
  act(() => page.dispose());
});
