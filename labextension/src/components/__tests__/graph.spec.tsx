import { act } from '@testing-library/react';
import React, { useEffect, useState } from 'react';

import { Graph } from '../graph';
import { fakeWorkbench, show } from './workbench';

/** Where the middle of each node is; that of all else is at 0. */
const MIDDLE: Record<string, number> = { a: 300, b: 500 };

describe('a graph', () => {
  it('goes to its current node once, not with each answer of the server, within what scrolls around it', () => {
    jest.spyOn(Element.prototype, 'getBoundingClientRect').mockImplementation(function (
      this: Element
    ) {
      const y = MIDDLE[(this as HTMLElement).dataset.node ?? ''] ?? 0;
      return { left: 0, right: 0, top: y, bottom: y } as DOMRect;
    });
    let draw: (current: string) => void = () => undefined;
    function Host(): React.ReactElement {
      const [{ current }, set] = useState({ current: 'a' });
      useEffect(() => {
        draw = next => act(() => set({ current: next }));
      }, []);
      const nodes = ['a', 'b'].map(id => ({
        id,
        icon: 'file' as const,
        title: id,
        current: id === current
      }));
      return (
        <div data-mlinfra-frame="page" style={{ overflow: 'auto' }}>
          <div data-testid="scroller" style={{ overflow: 'auto' }}>
            <Graph label="Lineage" nodes={nodes} links={[]} />
          </div>
        </div>
      );
    }
    const { getByTestId } = show(fakeWorkbench(), <Host />);
    const scroller = getByTestId('scroller');
    expect(scroller.scrollTop).toBe(300);
    draw('a');
    draw('a');
    expect(scroller.scrollTop).toBe(300);
    draw('b');
    expect(scroller.scrollTop).toBe(800); // 500 further
    // the tabs of the page are in it
    expect(scroller.parentElement?.scrollTop).toBe(0);
  });
});
