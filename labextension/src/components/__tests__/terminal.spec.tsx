import { render } from '@testing-library/react';
import React from 'react';

import { Printed } from '../printed';
import { BLANK, plainly, shown, typed } from '../terminal';

const RED = '\u001b[31m';
const OFF = '\u001b[0m';

describe('what a terminal shows', () => {
  it.each([
    ['a line that is rewritten', '10 %\r20 %\r100 %\ndone', '100 %\ndone'],
    ['a shorter text over a longer one', 'loading…\rok', 'okading…'],
    ['line feeds of Windows', 'a\r\nb\r\n', 'a\nb\n'],
    ['a sign that is taken back', 'ab\bc', 'ac'],
    ['a line that is erased', 'loading…\r\u001b[Kok', 'ok'],
    ['a line that is erased as a whole', 'loading…\u001b[2K\rok', 'ok'],
    ['nested bars', 'outer 0\ninner 0\u001b[A\router 1\n\rinner 9\n', 'outer 1\ninner 9\n'],
    ['a hidden cursor and a title', '\u001b[?25l\u001b]0;title\u0007a\u001b[?25h', 'a'],
    ['a link of a terminal', '\u001b]8;;https://x.org\u001b\\name\u001b]8;;\u001b\\', 'name'],
    [
      'a set of letters that is chosen',
      '\u001b(Bbold\u001b(B\u001b[m, \u001b#8and\u001b)0 lines',
      'bold, and lines'
    ],
    ['a bell, and what is no code', 'a\u0007b\u001b', 'ab'],
    ['letters beyond the basic ones', '😀😀\r😀x', '😀x']
  ])('of %s', (_, written, expected) => {
    expect(plainly(written)).toBe(expected);
  });

  it('keeps colours, over line ends and where a line is written over', () => {
    expect(shown(`${RED}a\nb${OFF}c`)).toBe(`${RED}a${OFF}\n${RED}b${OFF}c${OFF}`);
    expect(shown(`${RED}ab${OFF}\rx`)).toBe(`x${RED}b${OFF}`);
  });

  it('is the same however the text is cut into parts', () => {
    const text = `epoch 1\n${RED}warning${OFF} 😀\n 0%|  |\r 50%|█ |\r100%|██|\n\u001b[A\u001b(Bup\r\n${'x'.repeat(30)}\rend\n\u001b]8;;u\u001b\\l`;
    const whole = shown(text);
    for (let size = 1; size < 12; size++) {
      let screen = BLANK;
      let done = '';
      for (let at = 0; at < text.length; at += size) {
        screen = typed(screen, text.slice(at, at + size));
        done += screen.done;
      }
      const plain = (value: string): string =>
        value.replace(new RegExp(`${RED}|${OFF}`.replace(/\[/g, '\\['), 'g'), '');
      expect(plain(done + screen.open.join('\n'))).toBe(plain(whole));
    }
  });

  it('keeps a place in a long line, and fills a short one up to a bound', () => {
    const long = 'x'.repeat(3_000);
    expect(plainly(`${long}\u001b[2Dy`)).toBe(`${'x'.repeat(2_998)}yx`);
    expect(plainly(`${long}\u001b[5Cy`)).toBe(`${long}y`);
    expect(plainly('a\u001b[5Gb')).toBe('a   b');
    expect(plainly('\u001b[2000Cx')).toBe(`${' '.repeat(500)}x`);
  });

  it.each([
    ['places far to the right', '\u001b[2000Cx\n'.repeat(28_000)],
    [
      'colours that are never reset',
      `${'\u001b[38;2;255;255;255m'.repeat(12)}${'x\n'.repeat(128_000)}`
    ],
    ['a colour without end', `\u001b[${'1;'.repeat(100_000)}1m${'x\n'.repeat(28_000)}`]
  ])('is not many times as long as what was written: %s', (_, written) => {
    const lines = plainly(written).split('\n');
    expect(lines.filter(line => line.trim() === 'x')).toHaveLength(written.split('x').length - 1);
    expect(shown(written).length).toBeLessThan(12 * written.length);
  });

  it('makes lines final once a program can no longer go back to them, and keeps one line for a bar of hours', () => {
    let screen = typed(BLANK, 'line\n'.repeat(100));
    expect(screen.done.split('\n').length - 1).toBe(screen.first);
    expect(screen.first).toBeGreaterThan(50);
    for (let step = 0; step < 1_000; step++) {
      screen = typed(screen, `\rstep ${step}`);
    }
    expect(screen.open.at(-1)).toBe('step 999');
  });

  it('is found in a megabyte in a moment', () => {
    const text =
      `${RED}2026-11-27 03:00:00${OFF} INFO step loss=0.25 accuracy=0.91 and more words\n`.repeat(
        12_000
      );
    const start = performance.now();
    expect(shown(text).length).toBeGreaterThan(text.length / 2);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

const drawn = async (text: string): Promise<HTMLElement> => {
  const { container } = render(<Printed text={text} />);
  await Promise.resolve();
  return container;
};

describe('printed text', () => {
  it('has its colours and links', async () => {
    const node = await drawn(`${RED}failed${OFF} see https://example.org/a?b=1.`);
    expect(node.querySelector('.ansi-red-fg')?.textContent).toBe('failed');
    const link = node.querySelector('a');
    expect([link?.href, link?.rel, link?.target]).toEqual([
      'https://example.org/a?b=1',
      'noopener noreferrer',
      '_blank'
    ]);
  });

  it.each([
    '<img src=x onerror="window.hit = 1">',
    `${RED}<script>window.hit = 1</script>${OFF}`,
    '\u001b[31;"onmouseover=window.hit=1mred',
    '\u001b]8;;javascript:window.hit=1\u001b\\click\u001b]8;;\u001b\\'
  ])('is no markup: %j', async text => {
    const node = await drawn(text);
    expect(node.querySelector('img, script, a, [onmouseover]')).toBeNull();
  });

  it.each([
    'javascript://x.org/%0Aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd'
  ])('does not link %s', async text => {
    const node = await drawn(`open ${text} now`);
    expect(node.querySelector('a')).toBeNull();
    expect(node.textContent).toBe(`open ${text} now`);
  });
});
