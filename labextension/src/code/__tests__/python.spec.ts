import { asCell } from '../cell';
import { nearestGap } from '../drop';
import { pythonFor, variable } from '../python';

describe('pythonFor', () => {
  it.each([
    [
      'dataset:flights.departures',
      'departures = ml.dataset("flights.departures").scan()\ndepartures.head(5).collect()'
    ],
    [
      'dataset:flights.departures@4711',
      'departures = ml.dataset("flights.departures").scan(snapshot="4711")\ndepartures.head(5).collect()'
    ],
    [
      'column:flights.departures.carrier',
      'carrier = ml.dataset("flights.departures").scan().select("carrier")\ncarrier.head(5).collect()'
    ],
    ['job:7f3a', 'job = ml.job("7f3a")\nprint(job.logs(tail=50))'],
    ['version:flights/2', 'model = ml.model("flights/2").load()\nmodel'],
    ['model:flights', 'model = ml.model("flights").load()\nmodel'],
    ['alert:flights/drift', 'ml.alert("flights/drift")']
  ])('writes %s as code', (ref, code) => {
    expect(pythonFor([ref])).toBe(code);
  });

  it('joins the columns of one dataset into one selection', () => {
    expect(pythonFor(['column:ns.t.a', 'column:ns.t.b'])).toBe(
      't_columns = ml.dataset("ns.t").scan().select("a", "b")\nt_columns.head(5).collect()'
    );
  });

  it('keeps columns of different datasets apart', () => {
    expect(
      pythonFor(['column:ns.t.a', 'column:ns.u.b'])
        .split('\n')
        .filter(line => line.includes('select('))
    ).toHaveLength(2);
  });

  it('joins picked features into one training set', () => {
    expect(pythonFor(['feature:v:a', 'feature:w:b'])).toContain('features = ["v:a", "w:b"]');
  });

  it('quotes a hostile name instead of running it', () => {
    expect(pythonFor(['deployment:a");import-os#'])).toContain('ml.deployment("a\\");import-os#")');
  });

  it('gives nothing for what is no reference', () => {
    expect(pythonFor(['no reference'])).toBe('');
  });
});

describe('variable', () => {
  it.each([
    ['flights.departures', 'departures'],
    ['ns.2013-data', 'x_2013_data'],
    ['Größe', 'gr__e'],
    ['data.class', 'class_'],
    ['data.None', 'none'],
    ['data.match', 'match_'],
    ['x.ml', 'ml_'],
    ['x.print', 'print_']
  ])('makes a Python name of %s', (name, expected) => {
    expect(variable(name)).toBe(expected);
  });
});

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
