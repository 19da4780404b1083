jest.mock('vega-embed', () => jest.fn());
jest.mock('vega-interpreter', () => ({ expressionInterpreter: () => undefined }));

import type { Loader } from 'vega';
import embed from 'vega-embed';

import { closedSpec } from '../closed';
import { draw, menuOf, wishesOf } from '../drawing';

const embedded = (): [spec: Record<string, unknown>, options: Record<string, unknown>] => {
  const [, spec, options] = (embed as jest.Mock).mock.calls[0] as [
    unknown,
    Record<string, unknown>,
    Record<string, unknown>
  ];
  return [spec, options];
};

describe('the menu of a chart', () => {
  it('saves, and leads nowhere else, whatever the notebook asks for', () => {
    expect(menuOf(undefined)).toEqual({
      export: true,
      source: false,
      compiled: false,
      editor: false
    });
    expect(menuOf({ editor: true, source: true, export: { png: true, svg: false } })).toEqual({
      export: { png: true, svg: false },
      source: false,
      compiled: false,
      editor: false
    });
    expect(menuOf(true)).toMatchObject({ editor: false });
  });

  it('is left out when the notebook wants none', () => {
    expect(menuOf(false)).toBe(false);
  });

  it('is not opened by what the spec says of its embedding', async () => {
    (embed as jest.Mock).mockReset().mockResolvedValue({ finalize: () => undefined });
    const usermeta = {
      embedOptions: { actions: { editor: true }, patch: 'https://example.org/patch.json' },
      mine: 1
    };
    const options = {
      mode: 'vega-lite',
      dark: false,
      width: 400,
      options: { loader: {}, renderer: 'svg' }
    } as const;
    await draw(document.createElement('div'), { mark: 'bar', usermeta }, options);
    const [spec, used] = embedded();
    expect(spec.usermeta).toEqual({ mine: 1 });
    expect(used.actions).toMatchObject({ editor: false });
    expect(used).toMatchObject({ renderer: 'svg' });
    expect(used.patch).toBe(closedSpec);
    await expect((used.loader as Loader).load('https://example.org/x.csv')).rejects.toThrow(
      'A chart may not load'
    );
  });

  it('keeps wishes of the look only', () => {
    expect(wishesOf({ renderer: 'svg', patch: 'x', loader: {}, expr: 1 })).toEqual({
      renderer: 'svg'
    });
    // it draws SVG of its own, which fetches paints
    expect(wishesOf({ renderer: 'hybrid' })).toEqual({});
  });
});
