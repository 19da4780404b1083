import type { TranslationBundle } from '@jupyterlab/translation';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React, { useEffect, useState } from 'react';

import { ApiError, errorOf } from '../../api/errors';
import type { INumber } from '../../api/types';
import { useQuery } from '../../hooks/query';
import { EmptyCard, ErrorCard, Result, WaitingCard } from '../card';
import { explainError } from '../explain';
import { CodeDrawer } from '../drawer';
import { Facts, Tabs } from '../header';
import { Num } from '../number';
import { Progress } from '../progress';
import { Bars } from '../shape';
import { State } from '../state';
import { fakeWorkbench, show } from './workbench';

const settle = async (): Promise<void> => {
  await act(async () => {
    await Promise.resolve();
  });
};

describe('the four cards', () => {
  it('empty: one sentence, one primary button, one line to copy', () => {
    const onClick = jest.fn();
    show(
      fakeWorkbench(),
      <EmptyCard
        sentence="A job runs a notebook."
        action={{ label: 'Run', onClick }}
        code="%%job"
      />
    );
    expect(screen.getAllByRole('button')).toHaveLength(1);
    fireEvent.click(screen.getByRole('button', { name: 'Run' }));
    expect(onClick).toHaveBeenCalled();
  });

  it('error: what, why and fix, and the details can be copied', () => {
    const fake = fakeWorkbench();
    show(
      fake,
      <ErrorCard
        error={
          new ApiError('conflict', 'It is running.', 'It cannot be submitted.', 'Wait for it.')
        }
      />
    );
    const card = screen.getByRole('alert');
    for (const line of ['It is running.', 'It cannot be submitted.', 'Wait for it.']) {
      expect(card.textContent).toContain(line);
    }
    fireEvent.click(screen.getByRole('button', { name: 'Copy Details' }));
    expect(fake.code.copy.mock.calls[0]?.[0]).toContain('code: conflict');
  });

  it('error: where a store refused the key, the way to set it', async () => {
    const fake = fakeWorkbench();
    const refused = new ApiError(
      'credentials',
      's3://lake/p cannot be read.',
      'It refused the key.'
    );
    show(fake, <ErrorCard error={refused} />);
    fireEvent.click(screen.getByRole('button', { name: 'Set Credentials…' }));
    fireEvent.click(await screen.findByText('Copy Lines'));
    await waitFor(() => expect(fake.code.copy).toHaveBeenCalledTimes(1));
    expect(fake.code.copy.mock.calls[0]?.[0]).toContain('"s3.access-key-id" = "env:');
  });

  it('error: code in a sentence is drawn as code, a drawing of several lines as it stands', () => {
    const why = 'tag it `parameters`, then\n             ^';
    show(
      fakeWorkbench(),
      <ErrorCard error={new ApiError('x', 'No.', why, 'Write `mlinfra init` there.')} />
    );
    const card = screen.getByRole('alert');
    expect(card.textContent).toContain(why);
    expect([...card.querySelectorAll('code')].map(({ textContent }) => textContent)).toEqual([
      'mlinfra init'
    ]);
    expect(card.textContent).toContain('Write mlinfra init there.');
  });

  it('error: the server half that is missing says how to mend it', () => {
    show(fakeWorkbench(), <ErrorCard error={new ApiError('no_server', '')} />);
    expect(screen.getByRole('alert').textContent).toContain(
      'jupyter server extension enable jupyter_mlinfra'
    );
  });

  it('error: what this front end says itself is said in the language of the user', async () => {
    const trans = {
      __: (text: string, ...values: unknown[]) => `«${text.replace('%1', String(values[0]))}»`
    };
    const shownText = async (status: number): Promise<string> =>
      explainError(
        await errorOf({ status, json: async () => ({}) } as Response),
        trans as unknown as TranslationBundle
      ).what;
    expect(await shownText(403)).toBe('«The Jupyter server refused the request.»');
    expect(await shownText(502)).toBe('«The Jupyter server answered 502.»');
  });

  it('waiting: the reason is there for a reader and for a test', () => {
    const { container } = show(
      fakeWorkbench(),
      <WaitingCard title="sweep waits" reason="Needs 2 GPUs, 1 is free." />
    );
    expect(container.querySelector('[data-reason="Needs 2 GPUs, 1 is free."]')).not.toBeNull();
  });
});

function Asked({ fetch }: { fetch: (signal: AbortSignal) => Promise<string> }): React.ReactElement {
  const query = useQuery('asked', fetch, { topics: ['job'], about: 'job:1' });
  return <Result query={query}>{data => <p>{data}</p>}</Result>;
}

describe('code in the empty card', () => {
  it('is shown whole, or only inserted where it is long', () => {
    const fake = fakeWorkbench();
    const long = Array.from({ length: 30 }, (_, place) => `line${place} = 1`).join('\n');
    const { container, unmount } = show(
      fake,
      <EmptyCard sentence="A view." insert="Insert" code={long} />
    );
    expect(container.querySelector('code')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Insert' }));
    expect(fake.code.insertBelow).toHaveBeenCalledWith(long, undefined);
    unmount();
    expect(
      show(fake, <EmptyCard sentence="A view." code="%%job" />).container.querySelector('code')
        ?.textContent
    ).toBe('%%job');
  });
});

describe('a query', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('shimmers, then shows the data', async () => {
    show(fakeWorkbench(), <Asked fetch={async () => 'three rows'} />);
    expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy();
    await settle();
    expect(screen.getByText('three rows')).toBeTruthy();
  });

  it('keeps the data and tells its age when contact is lost; never red', async () => {
    let lost = false;
    const fetch = async (): Promise<string> => {
      if (lost) {
        throw new ApiError('unreachable', '');
      }
      return 'three rows';
    };
    show(fakeWorkbench(), <Asked fetch={fetch} />);
    await settle();
    lost = true;
    await act(async () => jest.advanceTimersByTimeAsync(15_100));
    expect(screen.getByText('three rows')).toBeTruthy();
    expect(screen.getByText(/Last seen/)).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('says that contact is lost before there are data; no red either', async () => {
    show(fakeWorkbench(), <Asked fetch={() => Promise.reject(new ApiError('unreachable', ''))} />);
    await settle();
    expect(screen.getByRole('status').textContent).toContain('The Jupyter server does not answer.');
    expect(screen.getByRole('button', { name: 'Try Again' })).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('asks nothing while its widget is hidden, and again when it is shown after news', async () => {
    const fake = fakeWorkbench();
    const fetch = jest.fn(async () => 'x');
    fake.visibility.shown = false;
    show(fake, <Asked fetch={fetch} />);
    await act(async () => jest.advanceTimersByTimeAsync(60_000));
    expect(fetch).not.toHaveBeenCalled();
    act(() => {
      fake.visibility.shown = true;
    });
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    act(() => {
      fake.visibility.shown = false;
      fake.emit({ topic: 'job', ref: 'job:1', data: {} });
    });
    act(() => {
      fake.visibility.shown = true;
    });
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('can be given up after a second, asks nothing more by itself, and is asked again when told', async () => {
    const fake = fakeWorkbench();
    const signals: AbortSignal[] = [];
    const fetch = jest.fn((signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<string>(() => undefined);
    });
    show(fake, <Asked fetch={fetch} />);
    await settle();
    expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull();
    await act(async () => jest.advanceTimersByTimeAsync(1_100));
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(signals[0]?.aborted).toBe(true);
    act(() => fake.emit({ topic: 'job', ref: 'job:1', data: {} }));
    await act(async () => jest.advanceTimersByTimeAsync(60_000));
    expect(fetch).toHaveBeenCalledTimes(1);
    fireEvent.click(screen.getByRole('button', { name: 'Load' }));
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy();
  });

  it('keeps the rows of a list while another page of it is on its way, and never those of another object', async () => {
    const answers: ((rows: string) => void)[] = [];
    const fetch = (): Promise<string> => new Promise(resolve => answers.push(resolve));
    let draw: (next: { key: string; list: string }) => void = () => undefined;
    function Host(): React.ReactElement {
      const [{ key, list }, set] = useState({ key: 'a:50', list: 'a' });
      useEffect(() => {
        draw = next => act(() => set(next));
      }, []);
      return (
        <Result query={useQuery(key, fetch, { list })}>
          {rows => <button type="button">{rows}</button>}
        </Result>
      );
    }
    show(fakeWorkbench(), <Host />);
    const answer = (rows: string): Promise<void> =>
      act(async () => {
        answers.shift()?.(rows);
        await Promise.resolve();
      });
    await answer('50 rows');
    const row = screen.getByText('50 rows');
    row.focus();
    draw({ key: 'a:100', list: 'a' });
    expect(screen.getByText('50 rows')).toBe(row);
    expect(row.closest('[aria-busy="true"]')).not.toBeNull();
    await answer('100 rows');
    expect(row.textContent).toBe('100 rows');
    expect(document.activeElement).toBe(row);
    expect(row.closest('[aria-busy="true"]')).toBeNull();
    draw({ key: 'b:50', list: 'b' });
    expect(screen.queryByText('100 rows')).toBeNull();
    expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy();
  });

  it('hears news of its own object only', async () => {
    const fake = fakeWorkbench();
    const fetch = jest.fn(async () => 'x');
    show(fake, <Asked fetch={fetch} />);
    await settle();
    act(() => fake.emit({ topic: 'job', ref: 'job:2', data: {} }));
    await act(async () => jest.advanceTimersByTimeAsync(1_000));
    expect(fetch).toHaveBeenCalledTimes(1);
    act(() => fake.emit({ topic: 'job', ref: 'job:1', data: {} }));
    await act(async () => jest.advanceTimersByTimeAsync(1_000));
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

describe('numbers', () => {
  const number = (basis: INumber['basis'], more: Partial<INumber> = {}): INumber => ({
    value: 1234.5,
    basis,
    n: null,
    error: null,
    ...more
  });

  it.each([
    ['exact', number('exact'), ''],
    ['approx', number('approx', { error: 0.01 }), '≈'],
    ['sample', number('sample', { n: 200_000 }), '~'],
    ['est', number('est'), 'est.'],
    ['n', number('n', { n: 5 }), 'n=5']
  ])('carry their basis: %s', (basis, value, mark) => {
    const { container } = show(fakeWorkbench(), <Num value={value} />);
    const shown = container.querySelector(`[data-basis="${basis}"]`);
    expect(shown?.textContent).toBe(
      `1,235${mark}`.replace('1,235', shown?.firstChild?.textContent ?? '')
    );
    expect(shown?.textContent).toContain(mark);
  });

  it('are exact when they stand alone, and labelled though that has no mark', () => {
    const { container } = show(fakeWorkbench(), <Num value={3} />);
    expect(container.querySelector('[data-basis="exact"]')?.textContent).toBe('3');
  });

  it('are a dash when there is none', () => {
    const { container } = show(fakeWorkbench(), <Num value={null} />);
    expect(container.querySelector('[data-basis]')?.textContent).toBe('–');
  });
});

describe('states', () => {
  it('are shape, word and colour', () => {
    const { container } = show(fakeWorkbench(), <State state="failed" />);
    const chip = container.querySelector('[data-state="failed"]');
    expect(chip?.querySelector('svg')).not.toBeNull();
    expect(chip?.textContent).toBe('failed');
  });

  it('keep their word for a reader when only the shape is drawn', () => {
    show(fakeWorkbench(), <State state="cached" bare />);
    expect(screen.getByRole('img', { name: 'cached' })).toBeTruthy();
  });

  it('of a kind that is not known are shown by their own word', () => {
    const { container } = show(fakeWorkbench(), <State state="levitating" />);
    expect(container.textContent).toBe('levitating');
  });
});

describe('parts of a page', () => {
  it('leave empty facts out', () => {
    const { container } = show(
      fakeWorkbench(),
      <Facts>
        <b>one</b>
        {''}
        {null}
        <b>two</b>
      </Facts>
    );
    expect(container.querySelectorAll('.jp-mlinfra-facts > span')).toHaveLength(2);
  });

  it('change tabs with the arrows', () => {
    const onSelect = jest.fn();
    const tabs = [
      { name: 'a', label: 'A' },
      { name: 'b', label: 'B' }
    ];
    show(
      fakeWorkbench(),
      <Tabs tabs={tabs} current="a" onSelect={onSelect}>
        body
      </Tabs>
    );
    fireEvent.keyDown(screen.getByRole('tab', { name: 'A' }), { key: 'ArrowRight' });
    expect(onSelect).toHaveBeenCalledWith('b');
  });

  it('say how far something is', () => {
    show(fakeWorkbench(), <Progress fraction={0.683} label="Progress" />);
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('68');
  });

  it('draw a bin that holds anything at least one pixel high', () => {
    const { container } = show(fakeWorkbench(), <Bars values={[1, 1_000_000, 0]} label="Shape" />);
    expect(
      [...container.querySelectorAll('rect')].map(bar => Number(bar.getAttribute('height')))
    ).toEqual([1, 14, 0]);
  });

  it('draw bars that are too narrow for a gap as one silhouette', () => {
    const bars = (count: number): (string | null)[] => {
      const { container, unmount } = show(
        fakeWorkbench(),
        <Bars values={Array(count).fill(1)} label="Shape" width={60} />
      );
      const widths = [...container.querySelectorAll('rect')].map(bar => bar.getAttribute('width'));
      unmount();
      return [...new Set(widths)];
    };
    expect(bars(30)).toEqual(['2']);
    expect(bars(12)).toEqual(['4']);
  });

  it('give the page the keys of its code drawer', async () => {
    const fake = fakeWorkbench();
    show(fake, <CodeDrawer code={{ python: 'ml.job("7")', cli: 'mlinfra jobs show 7' }} />);
    fireEvent.click(screen.getByRole('button', { name: 'CLI' }));
    fireEvent.keyDown(screen.getByRole('button', { name: 'CLI' }), { key: 'i' });
    await waitFor(() =>
      expect(fake.code.insertBelow).toHaveBeenCalledWith('mlinfra jobs show 7', 'cli')
    );
  });
});
