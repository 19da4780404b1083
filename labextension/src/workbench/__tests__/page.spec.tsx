import { Widget } from '@lumino/widgets';
import { act } from '@testing-library/react';
import React, { useContext, useEffect } from 'react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { type Arrival, PageContext } from '../../hooks/page';
import type { IPageProps } from '../../tokens';
import { type IPagedKind, PageWidget } from '../page';
import { fetchDrawing } from '../widget';

type Shown = Pick<IPagedKind, 'icon' | 'page'>;
const paged = (
  icon: Shown['icon'],
  title: (name: string) => string,
  Body: React.ComponentType<IPageProps>
): Shown => ({ icon, page: { title, body: async () => ({ default: Body }) } }) as Shown;

function Named({ onTitle }: IPageProps): React.ReactElement {
  useEffect(() => onTitle?.('train 7f3a'), [onTitle]);
  return <h1>train</h1>;
}

it('a page gives its tab the name of what it shows', async () => {
  const spec = paged('jobs', name => `job ${name}`, Named);
  const page = new PageWidget(fakeWorkbench().workbench, spec, 'job:7f3a99c1');
  expect(page.title.label).toBe('job 7f3a99c1');
  await act(async () => {
    Widget.attach(page, document.body);
    page.content.node.dispatchEvent(new Event('focus'));
    await fetchDrawing();
    await page.content.renderPromise;
  });
  expect(page.title.label).toBe('train 7f3a');
  act(() => page.dispose());
});

it('a page that is asked for goes there once for each time, and takes the focus only while its user waits for it', async () => {
  const arrivals: Arrival[] = [];
  function Asked({ again = 0 }: IPageProps): React.ReactElement {
    const { arrive } = useContext(PageContext);
    useEffect(() => void arrivals.push(arrive(again), arrive(again)), [arrive, again]);
    return <h1>model</h1>;
  }
  const spec = paged('models', name => name, Asked);
  const page = new PageWidget(fakeWorkbench().workbench, spec, 'model:a', 'version:a/2');
  await act(async () => {
    Widget.attach(page, document.body);
    await fetchDrawing();
    await page.content.renderPromise;
  });
  expect(arrivals).toEqual(['focus', null]);
  const notebook = document.body.appendChild(document.createElement('textarea'));
  notebook.focus();
  await act(async () => {
    page.revisit('version:a/1');
    await fetchDrawing();
    await page.content.renderPromise;
  });
  expect(arrivals.slice(2)).toEqual(['show', null]);
  act(() => page.dispose());
  notebook.remove();
});
