import { fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';

import type { ICodeDiff, ICodePreview, ICodeSnapshot, IJob } from '../../api/types';
import { piecesOf } from '../../components/diff';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { CodeLine, CodeOf } from '../code';

const page = (items: readonly unknown[], total = items.length): object => ({
  items,
  shown: items.length,
  total,
  cursor: null
});

const preview = (change: object = {}): ICodePreview =>
  ({
    files: 14,
    size: 5_000,
    commit: '4e2f',
    uncommitted: page(['a.py', 'b.py', 'c.py']),
    left_out: page([{ path: 'big.bin', size: 9e9, why: 'The snapshot would pass 100 MiB.' }]),
    ...change
  }) as ICodePreview;

describe('the code of a job that is submitted now', () => {
  it('is told in a line, and why on demand', async () => {
    show(
      fakeWorkbench({ jobs: { preview: async () => preview() } }),
      <CodeLine notebook="a.ipynb" />
    );
    const why = await screen.findByRole('button', { name: 'why' });
    expect(why.parentElement?.textContent).toContain(
      'Code: snapshot of 14 files, 3 uncommitted, 1 left out'
    );
    expect(why.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(why);
    expect(why.getAttribute('aria-expanded')).toBe('true');
    expect(screen.getByRole('grid', { name: 'Left out' }).textContent).toContain(
      'The snapshot would pass 100 MiB.'
    );
    expect(screen.getByRole('grid', { name: 'Not committed' }).textContent).toContain('b.py');
  });

  it('says how much of a long list is shown, and asks for more', async () => {
    const asked: number[] = [];
    const server = async (_: string, limit: number): Promise<ICodePreview> => {
      asked.push(limit);
      return preview({ uncommitted: page(['a.py'], 240), left_out: page([]) });
    };
    show(fakeWorkbench({ jobs: { preview: server } }), <CodeLine notebook="a.ipynb" />);
    fireEvent.click(await screen.findByRole('button', { name: 'why' }));
    expect(screen.getByText(/^1 of 240/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: /^next/ }));
    await waitFor(() => expect(asked).toEqual([50, 500]));
    expect(await screen.findByText(/git status lists all/)).toBeTruthy();
  });

  it('names no commit where there is none', async () => {
    const none = preview({ commit: '', uncommitted: page([]), left_out: page([]), files: 1 });
    show(fakeWorkbench({ jobs: { preview: async () => none } }), <CodeLine notebook="a.ipynb" />);
    expect(
      (await screen.findByText(/snapshot of 1 file, no git commit/)).textContent
    ).not.toContain('why');
  });
});

const DIFF = [
  'diff --git a/x.sql b/x.sql',
  '--- a/x.sql',
  '+++ b/x.sql',
  '@@ -1,3 +1,2 @@',
  ' kept',
  '--- a comment that goes',
  '-- another',
  '+new',
  '\\ No newline at end of file',
  'diff --git a/y b/y',
  'new file'
].join('\n');

describe('a difference', () => {
  it('is cut into lines of one kind, which are the whole text', () => {
    const pieces = piecesOf(DIFF);
    expect(pieces.map(([kind]) => kind)).toEqual([
      'head',
      'hunk',
      'same',
      'removed',
      'added',
      'same',
      'head'
    ]);
    expect(pieces.map(([, text]) => text).join('')).toBe(DIFF);
    expect(pieces[3]?.[1]).toBe('--- a comment that goes\n-- another\n');
    expect(piecesOf('')).toEqual([]);
  });

  it('is shown on demand, with how much of it there is', async () => {
    const snapshot: ICodeSnapshot = {
      id: 'a91c0000',
      files: 2,
      size: 100,
      commit: '4e2f0123456789',
      left_out: [],
      uncommitted: 3
    };
    const asked: number[] = [];
    const diff = async (_: string, limit: number): Promise<ICodeDiff> => {
      asked.push(limit);
      return { id: '', commit: '', uncommitted: 3, text: DIFF, shown: 300, total: 900 };
    };
    const job = { id: '7f3a', ref: 'job:7f3a' } as IJob;
    show(fakeWorkbench({ jobs: { code: async () => snapshot, diff } }), <CodeOf job={job} />);
    const button = await screen.findByRole('button', { name: 'diff' });
    expect(button.parentElement?.textContent).toBe(
      'Code: snapshot a91c0000 · git 4e2f012 + 3 uncommitted files diff'
    );
    expect(asked).toEqual([]);
    fireEvent.click(button);
    const shown = await screen.findByRole('region', { name: 'Difference from the commit' });
    expect(shown.textContent).toBe(DIFF);
    expect(shown.querySelector('.jp-mlinfra-is-added')?.textContent).toBe('+new\n');
    fireEvent.click(screen.getByRole('button', { name: 'show more' }));
    await waitFor(() => expect(asked).toHaveLength(2));
    expect(await screen.findByText(/the rest was too long to be kept/)).toBeTruthy();
  });
});
