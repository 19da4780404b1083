import { act, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import { BROKEN, exactly, HOSTILE, pageOf, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, type IFake, show } from '../../components/__tests__/workbench';
import { label } from '../labels';
import CatalogPanel from '../panel';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

interface IAsked {
  namespace: string;
  limit: number;
  cursor?: string;
}

const dataset = (namespace: string, name: string): object => ({
  ref: `dataset:${namespace}.${name}`,
  name: `${namespace}.${name}`,
  namespace,
  rows: exactly(12),
  snapshot: '7',
  updated_at: null,
  signs: {},
  description: ''
});

/** A server with namespaces of so many datasets. */
async function opened(
  namespaces: Record<string, number>,
  list: jest.Mock<Promise<object>, [IAsked]> = jest.fn(
    async ({ namespace, limit, cursor }: IAsked) => {
      const total = namespaces[namespace] ?? 0;
      const start = Number(cursor ?? 0);
      const count = Math.min(limit, total - start);
      const items = Array.from({ length: count }, (_, place) =>
        dataset(namespace, `t${start + place}`)
      );
      return pageOf(items, total);
    }
  )
): Promise<{ fake: IFake; list: jest.Mock<Promise<object>, [IAsked]> }> {
  const page = pageOf(Object.entries(namespaces).map(([name, datasets]) => ({ name, datasets })));
  const fake = fakeWorkbench({ catalog: { namespaces: async () => page, list } });
  show(fake, <CatalogPanel />);
  await settle();
  return { fake, list };
}

const rows = (): HTMLElement[] =>
  within(screen.getByRole('tree', { name: 'Datasets' })).getAllByRole('treeitem');

async function key(row: HTMLElement | undefined, name: string): Promise<void> {
  act(() => row?.focus());
  fireEvent.keyDown(row!, { key: name });
  await settle();
}

describe('the catalog panel', () => {
  it('shows all of a few datasets at once', async () => {
    await opened({ a: 2, b: 1 });
    expect(rows().map(row => row.dataset.row)).toEqual([
      'namespace:a',
      'dataset:a.t0',
      'dataset:a.t1',
      'namespace:b',
      'dataset:b.t0'
    ]);
    expect(screen.getByText('3 datasets')).toBeTruthy();
  });

  it('of ten thousand asks for none before a namespace is unfolded, then for a hundred', async () => {
    const { list } = await opened({ a: 9000, b: 1000 });
    expect(list).not.toHaveBeenCalled();
    expect(rows()).toHaveLength(2);
    await key(rows()[0], 'ArrowRight');
    expect(list.mock.calls.map(([asked]) => asked)).toEqual([
      { namespace: 'a', limit: 100, cursor: undefined }
    ]);
    expect(rows()).toHaveLength(1 + 100 + 1 + 1);
    expect(rows()[101]?.textContent).toContain('8,900');
  });

  it('goes on in a long namespace by the keyboard, as far as it goes', async () => {
    const { list } = await opened({ a: 250 });
    await key(rows()[0], 'ArrowRight');
    await key(rows()[101], 'Enter');
    await key(rows()[201], 'Enter');
    expect(list.mock.calls.map(([asked]) => asked.cursor)).toEqual([undefined, '100', '200']);
    expect(rows()).toHaveLength(1 + 250);
    expect(rows()[250]?.dataset.row).toBe('dataset:a.t249');
  });

  it('says what is wrong with one namespace; the others stay', async () => {
    const list = jest.fn(async ({ namespace }: IAsked): Promise<object> => {
      if (namespace === 'a') {
        throw BROKEN;
      }
      return pageOf([dataset('b', 't0')]);
    });
    await opened({ a: 1, b: 1 }, list);
    expect(rows()[1]?.textContent).toContain(BROKEN.fix);
    expect(rows()[3]?.dataset.row).toBe('dataset:b.t0');
  });

  it('says in an empty project what it is for', async () => {
    await opened({});
    expect(document.body.textContent).toContain('A dataset is a table the workbench can search');
  });

  it.each(HOSTILE)('shows a namespace of %s as it is', async (_kind, name) => {
    await opened({ [name]: 1 });
    expect(rows()[0]?.textContent).toContain(name);
    expect(rows()[0]?.querySelector('img, script')).toBeNull();
  });
});

describe('what is said of a column', () => {
  it('is changed and can be set back; what stays is not sent', async () => {
    const describeColumn = jest.fn(async () => undefined);
    const schema = [{ name: 'email', doc: 'Of the buyer', tags: [] }];
    const { workbench } = fakeWorkbench({
      catalog: { show: async () => ({ dataset: { name: 'n.a' }, schema }), describeColumn }
    });
    const call = {
      workbench,
      ref: 'column:n.a.email',
      name: 'n.a.email',
      item: undefined,
      args: { labels: { description: 'Of the buyer', tags: ['pii'] } }
    };
    const outcome = await label(call);
    expect(describeColumn).toHaveBeenCalledWith('n.a', 'email', { tags: ['pii'] });
    expect(outcome).toMatchObject({
      undo: {
        command: 'mlinfra:catalog-label',
        args: { ref: 'column:n.a.email', labels: { description: 'Of the buyer', tags: [] } }
      }
    });
  });
});
