import { loader, parse, View } from 'vega';
import { expressionInterpreter } from 'vega-interpreter';

import { closedLoader, closedSpec, closedTooltip, closeRenderer } from '../closed';

closeRenderer();

const fetched: string[] = [];

beforeEach(() => {
  fetched.length = 0;
  globalThis.fetch = (async (url: string) => {
    fetched.push(url);
    return { ok: true, text: async () => '[{"a": 1}]', json: async () => [{ a: 1 }] };
  }) as unknown as typeof fetch;
});

/** Draw with Vega itself. */
const drawn = async (
  spec: object
): Promise<{ view: View; node: HTMLElement; refused: string[] }> => {
  const refused: string[] = [];
  const node = document.createElement('div');
  const view = new View(parse(closedSpec(spec), {}, { ast: true }), {
    loader: closedLoader(uri => refused.push(uri)),
    renderer: 'svg',
    expr: expressionInterpreter,
    logLevel: 0
  } as never);
  await view.initialize(node).runAsync();
  return { view, node, refused };
};

describe('what a chart may reach', () => {
  it.each([
    '/api/contents/secret.txt',
    'api/contents/secret.txt',
    'https://example.org/x.csv',
    '//example.org/x.csv',
    ' data:text/csv,a',
    'file:///etc/passwd',
    'javascript:alert(1)',
    ''
  ])('is not %p, which Vega would take', async uri => {
    const refused: string[] = [];
    const closed = closedLoader(asked => refused.push(asked));
    await expect(closed.load(uri)).rejects.toThrow('A chart may not load');
    await expect(closed.sanitize(uri, { context: 'image' })).rejects.toThrow(
      'A chart may not load'
    );
    expect(refused).toEqual([uri, uri]);
    expect(fetched).toEqual([]);
  });

  it.each(['javascript:alert(1)', 'https://example.org', '/logout', 'data:text/html,x'])(
    'is no link to %s',
    async uri => {
      await expect(closedLoader().sanitize(uri, { context: 'href' })).rejects.toThrow(
        'may not open'
      );
    }
  );

  it('is what the chart holds itself, and every method is one of a loader', async () => {
    const closed = closedLoader();
    expect(Object.keys(closed).sort()).toEqual(Object.keys(loader()).sort());
    await expect(
      closed.sanitize('data:image/png;base64,AA', { context: 'image' })
    ).resolves.toMatchObject({
      href: 'data:image/png;base64,AA'
    });
    const { view } = await drawn({
      data: [{ name: 't', url: 'data:application/json,x', format: { type: 'json' } }]
    });
    expect(view.data('t')).toMatchObject([{ a: 1 }]);
    expect(fetched).toEqual(['data:application/json,x']);
  });

  it('is asked for in vain when a chart is drawn, and that is known', async () => {
    const { view, refused, node } = await drawn({
      data: [
        { name: 't', url: '/api/contents/secret.txt', format: { type: 'json' } },
        { name: 'own', values: [{}] }
      ],
      marks: [
        {
          type: 'image',
          from: { data: 'own' },
          encode: { enter: { url: { value: 'https://example.org/x.png' } } }
        },
        {
          type: 'rect',
          from: { data: 'own' },
          encode: { enter: { href: { value: 'javascript:alert(1)' } } }
        }
      ]
    });
    expect(view.data('t')).toEqual([]);
    expect(fetched).toEqual([]);
    expect(refused).toEqual(
      expect.arrayContaining(['/api/contents/secret.txt', 'https://example.org/x.png'])
    );
    expect(node.innerHTML).not.toMatch(/example\.org|javascript/);
  });
});

describe('a chart that is drawn', () => {
  const ADDRESS = 'url(https://example.org/beacon.svg#a)';

  it('has no paint with an address, whichever way it comes', async () => {
    const { node } = await drawn({
      background: ADDRESS,
      data: [{ name: 'own', values: [{}] }],
      marks: [
        {
          type: 'rect',
          from: { data: 'own' },
          encode: {
            enter: {
              width: { value: 5 },
              height: { value: 5 },
              fill: { value: 'red' },
              stroke: { value: ADDRESS }
            }
          }
        },
        {
          type: 'group',
          from: { data: 'own' },
          encode: { enter: { width: { value: 5 }, height: { value: 5 }, fill: { value: ADDRESS } } }
        },
        {
          type: 'symbol',
          from: { data: 'own' },
          encode: { enter: { fill: { value: 'blue' } } },
          transform: [
            { type: 'formula', as: 'fill', expr: "'\\\\75rl(https://example.org/b.svg#a)'" }
          ]
        }
      ]
    });
    expect(node.innerHTML).toContain('fill="red"');
    expect(node.innerHTML).not.toContain('example.org');
  });

  it('makes inputs of its own without what would fetch, and binds no input of the page', async () => {
    document.body.innerHTML = '<input id="secret" value="s3cret">';
    const bad = {
      input: 'image',
      src: 'https://example.org/x.png',
      style: 'background:url(https://example.org)'
    };
    const { node, view } = await drawn({
      signals: [
        {
          name: 'depth',
          value: 3,
          bind: { input: 'range', min: 1, max: 9, ...{ src: 'https://example.org' } }
        },
        { name: 'picture', value: '', bind: bad },
        { name: 'spied', value: 'nothing', bind: { element: '#secret' } }
      ],
      config: { signals: [{ name: 'late', value: '', bind: bad }] }
    });
    expect(node.querySelector('input[type="range"]')?.getAttribute('max')).toBe('9');
    expect(node.innerHTML).not.toContain('example.org');
    expect(view.signal('spied')).toBe('nothing');
  });

  it('hears no keys that are typed elsewhere, yet follows a drag that leaves it', async () => {
    document.body.innerHTML = '<input id="secret">';
    const listenerOn = (source: string, type: string): object => ({
      value: 'nothing',
      on: [{ events: { source, type }, update: '"heard"' }]
    });
    const { view } = await drawn({
      config: { events: { window: true, selector: true } },
      signals: [
        { name: 'keys', ...listenerOn('window', 'keydown') },
        { name: 'input', ...listenerOn('#secret', 'keydown') },
        { name: 'drag', ...listenerOn('window', 'pointermove') }
      ]
    });
    document.querySelector('input')?.dispatchEvent(new Event('keydown', { bubbles: true }));
    window.dispatchEvent(new Event('pointermove'));
    await view.runAsync();
    expect([view.signal('keys'), view.signal('input'), view.signal('drag')]).toEqual([
      'nothing',
      'nothing',
      'heard'
    ]);
  });

  it('names in a tooltip a picture that it does not hold, and shows one that it holds', () => {
    const text = (value: unknown): string => String(value);
    expect(
      closedTooltip({ title: 'a', image: 'https://example.org/x.png' }, text, 2)
    ).not.toContain('<img');
    expect(closedTooltip({ title: 'a', image: 'https://example.org/x.png' }, text, 2)).toContain(
      '<h2>a</h2>'
    );
    expect(closedTooltip({ image: 'data:image/png;base64,AA' }, text, 2)).toContain(
      '<img src="data:'
    );
    expect(closedTooltip('plain', text, 2)).toBe('plain');
  });
});
