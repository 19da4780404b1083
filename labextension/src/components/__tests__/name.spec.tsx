import { render } from '@testing-library/react';
import React from 'react';

import { Name } from '../name';

describe('a name', () => {
  it.each(['short', 'a name that is longer than there is room for', `${'😀'.repeat(30)}a`])(
    '“%s” is whole for readers, and cut between letters for the eye',
    text => {
      const { container } = render(<Name text={text} />);
      const hidden = container.querySelector('[aria-hidden]');
      const [head = '', tail = ''] = [...(hidden?.children ?? [])].map(part => part.textContent);
      expect(container.textContent).toBe(hidden ? text + text : text);
      expect([head, tail].filter(part => /\p{Surrogate}/u.test(part))).toEqual([]);
    }
  );

  it('of another direction turns nothing that stands beside it', () => {
    const text = '\u202Eflow of text that turns what follows';
    const { container } = render(<Name text={text} />);
    const parts = [...container.children];
    expect(parts).toHaveLength(2);
    // what browsers isolate: <bdi>, and elements with a direction of their own
    expect(parts.every(part => part.tagName === 'BDI' || part.hasAttribute('dir'))).toBe(true);
    expect([...container.childNodes].some(node => node.nodeType === Node.TEXT_NODE)).toBe(false);
  });
});
