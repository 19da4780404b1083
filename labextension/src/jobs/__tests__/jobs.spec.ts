import { fillForm, readForm, readValue, startForm } from '../form';
import { append, type ILog, wholeLines } from '../log';

const PARAMETERS = [
  { name: 'depth', type: 'int', default: 6 },
  { name: 'origins', type: 'list[str]', default: ['EWR'] },
  { name: 'day', type: 'str', default: '2013-12-01' }
];
const FAULT = {
  type: (type: string) => `This is no ${type}.`,
  exact: 'Too large.',
  whole: (least: number) => `${least} or more.`
};

describe('the submit form', () => {
  it('says nothing of parameters that keep their defaults', () => {
    const { spec, code } = readForm(startForm('a.ipynb', PARAMETERS), PARAMETERS, FAULT);
    expect(spec).toEqual({ notebook: 'a.ipynb', parameters: {}, cpus: 1, gpus: 0, retries: 0 });
    expect(code.cli).toBe('mlinfra jobs submit a.ipynb');
  });

  it('reads each changed field as its type', () => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec, code } = readForm(
      { ...form, parameters: { depth: '8', origins: '["JFK","LGA"]', day: "it's" }, gpus: '1', minutes: '30' },
      PARAMETERS,
      FAULT
    );
    expect(spec).toMatchObject({
      parameters: { depth: 8, origins: ['JFK', 'LGA'], day: "it's" },
      gpus: 1,
      time_limit_minutes: 30
    });
    expect(code.cli).toBe(
      `mlinfra jobs submit a.ipynb -p depth=8 -p 'origins=["JFK","LGA"]' -r 'day=it'\\''s' --gpus 1 --time-limit 30`
    );
  });

  it('submits nothing while a field is at fault, and says which', () => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec, faults } = readForm(
      { ...form, parameters: { ...form.parameters, depth: 'six' }, cpus: '-1' },
      PARAMETERS,
      FAULT
    );
    expect(spec).toBeNull();
    expect(faults).toEqual({ depth: 'This is no int.', cpus: '0 or more.' });
  });

  it.each(['5', 'true', '[1]'])('tells the command line that the text %s is a text', day => {
    const form = startForm('a.ipynb', PARAMETERS);
    const { spec, code } = readForm({ ...form, parameters: { ...form.parameters, day } }, PARAMETERS, FAULT);
    expect(spec?.parameters).toEqual({ day });
    expect(code.cli).toMatch(/^mlinfra jobs submit a\.ipynb -r '?day=/);
  });

  it.each([
    ['12345678901234567890', 'int'],
    ['-9007199254740993', 'int | None'],
    ['Infinity', 'float'],
    ['1e400', 'float'],
    ['[1, 12345678901234567890]', 'list[int]']
  ])('refuses %s for %p, which would arrive as another number', (text, type) => {
    const parameters = [{ name: 'seed', type, default: null }];
    const form = fillForm('a.ipynb', parameters, { parameters: { seed: text } });
    expect(readForm(form, parameters, FAULT)).toMatchObject({ spec: null, faults: { seed: 'Too large.' } });
  });

  it('takes a job of no slots, and no empty field', () => {
    const form = startForm('a.ipynb', []);
    expect(readForm({ ...form, cpus: '0' }, [], FAULT).spec?.cpus).toBe(0);
    expect(readForm({ ...form, cpus: ' ' }, [], FAULT).faults).toEqual({ cpus: '0 or more.' });
  });

  it.each([
    ['1e-3', 'float', 0.001],
    ['TRUE', 'bool', true],
    ['None', 'int', null],
    ['7', 'int | None', 7],
    ['plain', '', 'plain']
  ])('reads %s as %s', (text, type, value) => {
    expect(readValue(text, type)).toBe(value);
  });
});

describe('a log', () => {
  const nothing: ILog = { text: '', start: 0, next: 0, size: 0, ended: false };

  it('grows by pieces', () => {
    const log = append(append(nothing, { text: 'a\n', offset: 0, next: 2, size: 4, ended: false }), {
      text: 'b\n',
      offset: 2,
      next: 4,
      size: 4,
      ended: true
    });
    expect(log).toEqual({ text: 'a\nb\n', start: 0, next: 4, size: 4, ended: true });
    const gone = append({ ...log, text: '' }, { text: '', offset: 0, next: 0, size: 0, ended: true, note: 'Cleared.' });
    expect(gone.note).toBe('Cleared.');
  });

  it('begins with a whole line where it is read from its middle', () => {
    const whole = 'first é\nsecond\n';
    const bytes = new TextEncoder().encode(whole);
    const text = new TextDecoder().decode(bytes.slice(7)); // in the middle of é
    const cut = wholeLines({ text, offset: 7, next: bytes.length });
    expect(cut.text).toBe('second\n');
    expect(new TextDecoder().decode(bytes.slice(cut.offset))).toBe('second\n');
  });

  it.each([
    ['that a progress bar draws anew with \\r', `${'x'.repeat(99)}\r`.repeat(30_000), /^x{99}\r/],
    ['that never ends', 'x'.repeat(3_000_000), /^x/],
    ['of letters in two halves', '🛫'.repeat(1_000_001), /^🛫/u]
  ])('is cut in a line %s', (_, text, begin) => {
    const log = append(nothing, { text, offset: 0, next: 9, size: 9, ended: false });
    expect(log.text.length).toBeLessThanOrEqual(1_000_000);
    expect(log.text.length).toBeGreaterThan(999_000);
    expect(log.text).toMatch(begin);
    expect(log.start + new TextEncoder().encode(log.text).length).toBe(new TextEncoder().encode(text).length);
  });

  it('drops whole old lines, and counts their bytes, not their characters', () => {
    const line = `${'é'.repeat(99)}\n`;
    const text = line.repeat(10_500);
    const log = append(nothing, { text, offset: 0, next: text.length * 2, size: text.length * 2, ended: false });
    expect(log.text.length).toBeLessThanOrEqual(1_000_000);
    expect(log.text.startsWith('é')).toBe(true);
    expect(log.start + new TextEncoder().encode(log.text).length).toBe(new TextEncoder().encode(text).length);
  });
});
