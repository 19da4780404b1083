import { asCell } from '../cell';
import { nearestGap } from '../drop';

describe('asCell', () => {
  it('adds the import unless the notebook has it', () => {
    expect(asCell('ml.job("7")', 'python')).toBe('import jupyter_mlinfra as ml\nml.job("7")');
    expect(asCell('ml.job("7")', 'python', ['x = 1', 'import jupyter_mlinfra as ml\n'])).toBe(
      'ml.job("7")'
    );
  });

  it('takes the import out of code that brings it when the notebook has it', () => {
    expect(
      asCell('import jupyter_mlinfra as ml\n\nml.job("7")', 'python', [
        'import jupyter_mlinfra as ml'
      ])
    ).toBe('ml.job("7")');
  });

  it('has the import once, above pieces that bring it each', () => {
    const line = 'import jupyter_mlinfra as ml';
    const pieces = `${line}\nml.job("7").table()\n${line}\nml.job("8").table()`;
    const both = 'ml.job("7").table()\nml.job("8").table()';
    expect(asCell(pieces, 'python')).toBe(`${line}\n${both}`);
    expect(asCell(pieces, 'python', [line])).toBe(both);
  });

  it('adds no import to code that does not use it', () => {
    expect(asCell('print(1)', 'python')).toBe('print(1)');
  });

  it('loads the magics once', () => {
    expect(asCell('%jobs', 'magic')).toBe('%load_ext jupyter_mlinfra\n%jobs');
    expect(asCell('%jobs', 'magic', ['%load_ext jupyter_mlinfra'])).toBe('%jobs');
  });

  it('asks SQL from Python, which runs where nothing is loaded', () => {
    expect(asCell('SELECT "a"', 'sql')).toBe(
      'import jupyter_mlinfra as ml\nml.sql("""\nSELECT "a"\n""")'
    );
    expect(asCell(String.raw`SELECT '\n' || '""""'`, 'sql')).toContain(
      String.raw`SELECT '\\n' || '\"\"""'`
    );
  });

  it('leaves a shell line as it is where IPython would put variables into it', () => {
    const line = `curl -d '{"x": 1}' "$URL"`;
    expect(asCell(line, 'curl')).toBe(`%%sh\n${line}`);
  });

  it('sends shell lines to the shell, continued lines once', () => {
    expect(asCell('curl -s \\\n  http://x', 'curl')).toBe('!curl -s \\\n  http://x');
  });
});

describe('nearestGap', () => {
  const cells = [
    { index: 0, top: 0, bottom: 100 },
    { index: 1, top: 100, bottom: 140 }
  ];
  it.each([
    [10, { index: 0, y: 0 }],
    [60, { index: 1, y: 100 }],
    [139, { index: 2, y: 140 }]
  ])('finds the gap nearest to %i px', (y, gap) => {
    expect(nearestGap(cells, y)).toEqual(gap);
  });

  it('puts the first cell into an empty notebook', () => {
    expect(nearestGap([], 50)).toEqual({ index: 0, y: 0 });
  });
});
