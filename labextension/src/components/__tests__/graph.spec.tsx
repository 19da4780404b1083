import { act } from '@testing-library/react';
import React, { useEffect, useState } from 'react';

import { Graph } from '../graph';
import { fakeWorkbench, show } from './workbench';

describe('a graph', () => {
  it('goes to its current node once, not with each answer of the server', () => {
    const scrolled: (string | undefined)[] = [];
    Element.prototype.scrollIntoView = function (this: HTMLElement) {
      scrolled.push(this.dataset.node);
    };
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
      return <Graph label="Lineage" nodes={nodes} links={[]} />;
    }
    show(fakeWorkbench(), <Host />);
    draw('a');
    draw('a');
    expect(scrolled).toEqual(['a']);
    draw('b');
    expect(scrolled).toEqual(['a', 'b']);
  });
});
