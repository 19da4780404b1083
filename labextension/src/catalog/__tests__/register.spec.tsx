import { nullTranslator } from '@jupyterlab/translation';
import { act, cleanup, fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import { ApiError } from '../../api/errors';
import type { IIngest, IInspection, IJob } from '../../api/types';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import type { IWorkbench } from '../../tokens';
import { suggestedName } from '../names';
import { askOf, emptyForm, type IForm, isName, registerOf, settled, unsettled } from '../reading';
import { Register } from '../register';

const SEEN: IInspection = {
  dataset: 'data.verkauf',
  exists: false,
  files: [
    {
      path: 'verkauf.csv',
      kind: 'csv',
      bytes: 90,
      snapshot: null,
      encoding: 'cp1252',
      separator: ';',
      quote: '"',
      comment: '',
      skip: 0,
      header: true,
      guessed: ['encoding', 'separator', 'quote', 'comment', 'skip', 'header'],
      sheets: []
    }
  ],
  columns: [
    {
      name: 'Tag',
      type: 'date',
      guessed: true,
      in_dataset: false,
      decimal: '.',
      thousands: '',
      date_format: '%d.%m.%Y'
    },
    {
      name: 'Umsatz',
      type: 'f64',
      guessed: true,
      in_dataset: false,
      decimal: ',',
      thousands: '.',
      date_format: ''
    }
  ],
  data: [
    ['1962-01-20', '1962-01-21'],
    [1649.37, 649.38]
  ],
  shown: 2,
  rows: 2,
  whole: true,
  bad: 0,
  broken: [],
  refused: '',
  doubts: [],
  notes: []
};

const ENCODING = {
  option: 'encoding',
  what: 'verkauf.csv is not UTF-8. It looks like cp1252.',
  fix: 'Say it.',
  stops: true
};

/** Long enough for what is typed to be settled, and answered. */
const settle = async (): Promise<void> => {
  for (let step = 0; step < 3; step++) {
    await act(async () => {
      await jest.advanceTimersByTimeAsync(400);
    });
  }
};

/**
 * The form over an answer of the server; `ready` is what Register would send, null while it is
 * disabled.
 */
async function open(
  answer: Partial<IInspection> | ApiError | ((question: IIngest) => Partial<IInspection>),
  trans?: IWorkbench['trans'],
  files: readonly string[] = ['verkauf.csv'],
  client: { catalog?: object; jobs?: object } = {}
): Promise<{ asked: IIngest[]; ready: () => IForm | null }> {
  const asked: IIngest[] = [];
  let form: IForm | null = null;
  const inspect = async (question: IIngest): Promise<IInspection> => {
    asked.push(question);
    if (answer instanceof ApiError) {
      throw answer;
    }
    return { ...SEEN, ...(typeof answer === 'function' ? answer(question) : answer) };
  };
  const fake = fakeWorkbench({ ...client, catalog: { ...client.catalog, inspect } });
  Object.assign(fake.workbench, trans && { trans });
  show(
    fake,
    <Register
      files={files}
      start={emptyForm(files.length ? 'data.verkauf' : '')}
      onReady={next => (form = next)}
    />
  );
  await settle();
  return { asked, ready: () => form };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('the dialog that registers files', () => {
  it('shows the rows as they would be read, with what was guessed', async () => {
    const { ready } = await open({});
    const table = screen.getByRole('grid', { name: 'What would be read' });
    expect(
      within(table)
        .getAllByRole('row')
        .map(row => row.textContent)
    ).toEqual([
      expect.stringMatching(/^Tag.*%d.%m.%YUmsatz.*1.234,5$/),
      '1962-01-201649.37',
      '1962-01-21649.38'
    ]);
    expect(screen.getByLabelText<HTMLSelectElement>('separator').selectedOptions[0]?.text).toBe(
      '; (guessed)'
    );
    expect(screen.getByLabelText<HTMLSelectElement>('decimal mark').selectedOptions[0]?.text).toBe(
      ', (guessed)'
    );
    expect(screen.getByLabelText<HTMLInputElement>('encoding').placeholder).toBe('cp1252');
    expect(ready()).toEqual(emptyForm('data.verkauf'));
  });

  it('asks again with an option or a type that is chosen, and cannot be accepted before the answer', async () => {
    const { asked, ready } = await open({});
    fireEvent.change(screen.getByLabelText('separator'), { target: { value: 'tab' } });
    fireEvent.change(screen.getByLabelText('header'), { target: { value: 'no' } });
    fireEvent.change(screen.getByLabelText('type of Umsatz'), { target: { value: 'str' } });
    expect(ready()).toBeNull();
    await settle();
    expect(asked.at(-1)).toMatchObject({
      separator: '\t',
      header: false,
      types: { Umsatz: 'str' },
      mode: 'append'
    });
    expect(asked).toHaveLength(2);
    expect(ready()?.options).toEqual({ separator: 'tab', header: 'no' });
  });

  it('says what was in doubt as it was shown', async () => {
    const { ready } = await open({ doubts: [ENCODING] });
    expect(screen.getByRole('list', { name: 'Please check' }).textContent).toContain(
      'looks like cp1252'
    );
    expect(ready()?.options).toEqual({ encoding: 'cp1252' });
  });

  it('names the files that are left out', async () => {
    const { ready } = await open({ notes: ['Left out: notes.md.'] });
    expect(screen.getByRole('list', { name: 'Please check' }).textContent).toBe(
      'Left out: notes.md.'
    );
    expect(ready()).not.toBeNull();
  });

  it('cannot be accepted while its files differ in what is in doubt, until an option is chosen for all', async () => {
    const parquet = {
      ...SEEN.files[0]!,
      path: 'a.parquet',
      kind: 'parquet',
      encoding: null
    } as const;
    const files = [parquet, { ...SEEN.files[0]!, encoding: 'utf-8' }, SEEN.files[0]!];
    const { asked, ready } = await open(({ encoding }) => ({
      files,
      doubts: encoding ? [] : [ENCODING]
    }));
    expect(ready()).toBeNull();
    expect(screen.getByRole('list', { name: 'Please check' }).textContent).toMatch(
      /Say it.*applies to all files/
    );
    fireEvent.change(screen.getByLabelText('encoding'), { target: { value: 'cp1252' } });
    await settle();
    expect(asked.at(-1)?.encoding).toBe('cp1252');
    expect(ready()?.options).toEqual({ encoding: 'cp1252' });
  });

  it('says its words in the language of the user', async () => {
    const own = nullTranslator.load('');
    const trans = {
      ...own,
      __: (text: string, ...values: unknown[]) => `«${own.__(text, ...values)}»`
    };
    const files = [{ ...SEEN.files[0]!, separator: '\t' }];
    await open({ files }, trans);
    const words = (label: string): string[] =>
      [...screen.getByLabelText<HTMLSelectElement>(`«${label}»`).options].map(({ text }) => text);
    expect(words('separator')).toEqual(['««tab» (guessed)»', ',', ';', '«tab»', '|', '«space»']);
    expect(words('header')).toEqual(['««yes» (guessed)»', '«yes»', '«no»']);
    expect(words('comment')).toEqual(['««none» (guessed)»', '#', '//', '%', '«none»']);
  });

  it('cannot be accepted while a doubt of the values is open, or the rows would be refused', async () => {
    const date = {
      option: 'date_format',
      what: 'Day or month?',
      fix: 'Say --date-format.',
      stops: true
    };
    expect((await open({ doubts: [date] })).ready()).toBeNull();
    expect((await open({ refused: '9 of 9 rows do not fit.' })).ready()).toBeNull();
    expect(screen.getByRole('alert').textContent).toBe('9 of 9 rows do not fit.');
  });

  it('says what becomes of rows that do not fit, and whether all of them are listed', async () => {
    const broken = [{ file: 'verkauf.csv', line: 7, reason: '2 fields instead of 3', text: 'a;b' }];
    await open({ bad: 1, broken });
    expect(document.body.textContent).toContain('1 row does not fit:');
    expect(document.body.textContent).toContain(
      'Such rows are set aside, and the others are written.'
    );
    cleanup();
    await open({ bad: 2, broken, refused: '2 of 2 rows do not fit.' });
    expect(document.body.textContent).toContain('2 rows do not fit, the first:');
    expect(document.body.textContent).not.toContain('aside');
  });

  it('offers files that are there already only once more', async () => {
    const { ready } = await open({ exists: true, files: [{ ...SEEN.files[0]!, snapshot: '7' }] });
    expect(ready()).toBeNull();
    fireEvent.click(screen.getByLabelText('add the rows once more'));
    await settle();
    expect(ready()?.again).toBe(true);
    fireEvent.click(screen.getByLabelText('add the rows once more'));
    fireEvent.change(screen.getByLabelText('rows'), { target: { value: 'replace' } });
    await settle();
    expect(ready()?.mode).toBe('replace');
  });

  it('takes an upsert only with a key that the rows have', async () => {
    const { asked, ready } = await open({});
    fireEvent.change(screen.getByLabelText('rows'), { target: { value: 'upsert' } });
    await settle();
    expect(ready()).toBeNull();
    fireEvent.change(screen.getByLabelText('key'), { target: { value: 'Tag, Kunde' } });
    await settle();
    expect(screen.getByText('no column Kunde')).toBeTruthy();
    expect(ready()).toBeNull();
    fireEvent.change(screen.getByLabelText('key'), { target: { value: 'Tag' } });
    await settle();
    expect(askOf(['verkauf.csv'], ready()!)).toMatchObject({ mode: 'upsert', key: ['Tag'] });
    expect(asked.at(-1)).not.toHaveProperty('key');
  });

  it('asks where the rows are if nothing was chosen, and suggests a name for them', async () => {
    const files = [{ ...SEEN.files[0]!, kind: 'table' as const }];
    const columns = SEEN.columns.map(column => ({ ...column, guessed: false }));
    const answer = ({ files: [file] }: IIngest): Partial<IInspection> =>
      file?.startsWith('sqlite') ? { files, columns } : {};
    const { asked, ready } = await open(answer, undefined, []);
    expect(asked).toEqual([]);
    const type = (text: string): boolean =>
      fireEvent.change(screen.getByLabelText('source'), { target: { value: text } });
    type('in/orders');
    await settle();
    expect(asked.map(({ files }) => files)).toEqual([['in/orders']]);
    expect(screen.getByLabelText('columns that are not everywhere')).toBeTruthy();
    type('sqlite:///shop.db#orders');
    await settle();
    expect(asked.at(-1)?.files).toEqual(['sqlite:///shop.db#orders']);
    const kind = screen.getByLabelText<HTMLSelectElement>('type of Umsatz');
    expect(kind.selectedOptions[0]?.text).toBe('f64');
    const cursor = screen.getByLabelText('only rows with a later');
    fireEvent.change(cursor, { target: { value: 'Tag' } });
    await settle();
    const form = ready()!;
    expect(askOf([form.source], form)).toEqual({
      files: ['sqlite:///shop.db#orders'],
      into: 'data.orders',
      mode: 'append',
      cursor: 'Tag'
    });
    expect(screen.getByRole('button', { name: 'Dry Run' })).toBeTruthy();
  });

  it('reads in place what is here, under a name that is free', async () => {
    const { asked, ready } = await open({}, undefined, ['lake']);
    fireEvent.change(screen.getByLabelText('rows'), { target: { value: 'place' } });
    await settle();
    expect(asked.at(-1)).toEqual({
      files: ['lake'],
      into: 'data.verkauf',
      mode: 'append',
      in_place: true
    });
    expect(registerOf(['lake'], ready()!)).toEqual({ path: 'lake', name: 'data.verkauf' });
  });

  it('says before it is pressed that a name is taken', async () => {
    const { ready } = await open({ exists: true }, undefined, ['s3://lake/orders/']);
    expect(ready()).not.toBeNull();
    fireEvent.change(screen.getByLabelText('rows'), { target: { value: 'place' } });
    await settle();
    expect(screen.getByText(/there is a table of this name/)).toBeTruthy();
    expect(ready()).toBeNull();
  });

  it('tries all rows before any is written, and can be stopped', async () => {
    const job = (facts: object): IJob =>
      ({ id: 'j1', state: 'running', progress: null, progress_text: '', ...facts }) as IJob;
    const state = { job: job({ progress_text: 'reading, 7 rows' }) };
    const sent: IIngest[] = [];
    const cancelled: string[] = [];
    await open({}, undefined, undefined, {
      catalog: {
        ingest: async (asked: IIngest) => {
          sent.push(asked);
          return state.job;
        }
      },
      jobs: {
        show: async () => state.job,
        cancel: async (id: string) => {
          cancelled.push(id);
          return state.job;
        }
      }
    });
    fireEvent.click(screen.getByRole('button', { name: 'Dry Run' }));
    await settle();
    expect(sent).toEqual([expect.objectContaining({ dry_run: true, into: 'data.verkauf' })]);
    expect(screen.getByText('reading, 7 rows')).toBeTruthy();
    state.job = job({ state: 'succeeded', progress_text: 'Nothing was written.' });
    await act(async () => {
      await jest.advanceTimersByTimeAsync(3_000);
    });
    expect(screen.getByText('Nothing was written.')).toBeTruthy();
    state.job = job({});
    fireEvent.click(screen.getByRole('button', { name: 'Dry Run' }));
    await settle();
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect(cancelled).toEqual(['j1']);
  });

  it('shows an error with its fix, and keeps the fields', async () => {
    const { ready } = await open(
      new ApiError('unprocessable', 'It is not utf-8.', 'Byte 0xE9.', 'Say --encoding cp1252.', 422)
    );
    expect(screen.getByRole('alert').textContent).toContain('Say --encoding cp1252.');
    expect(screen.getByLabelText('encoding')).toBeTruthy();
    expect(ready()).toBeNull();
  });

  it('does not ask for a dataset whose name is not whole yet', async () => {
    const { asked, ready } = await open({});
    fireEvent.change(screen.getByLabelText('dataset'), { target: { value: 'data.' } });
    await settle();
    expect(asked.at(-1)?.into).toBeUndefined();
    expect(ready()).toBeNull();
    expect(screen.getByText(/NAMESPACE.TABLE/)).toBeTruthy();
  });
});

describe('the question to the server', () => {
  it('holds what was said and nothing else', () => {
    const form: IForm = {
      ...emptyForm('a.b'),
      mode: 'replace',
      options: {
        skip: '0',
        quote: 'none',
        thousands: 'space',
        null_values: 'NA, -',
        max_bad: '25',
        comment: ''
      },
      types: { x: '', y: 'str' }
    };
    expect(askOf(['a.csv'], form)).toEqual({
      files: ['a.csv'],
      into: 'a.b',
      mode: 'replace',
      skip: 0,
      quote: '',
      thousands: ' ',
      null_values: ['NA', '-'],
      max_bad: 0.25,
      types: { y: 'str' }
    });
  });

  it('leaves a doubt to what was said of it', () => {
    const form = { ...emptyForm('a.b'), options: { encoding: 'latin-1' } };
    expect(settled(form, { ...SEEN, doubts: [ENCODING] }).options).toEqual({ encoding: 'latin-1' });
    const header = { option: 'header', what: '', fix: '', stops: true };
    const bare = { ...SEEN, files: [{ ...SEEN.files[0]!, header: false, skip: 2 }] };
    const doubts = [header, { ...header, option: 'skip' }];
    expect(settled(emptyForm('a.b'), { ...bare, doubts }).options).toEqual({
      header: 'no',
      skip: '2'
    });
  });

  it('settles a doubt only with what holds for all CSV files', () => {
    const csv = SEEN.files[0]!;
    const parquet = {
      ...csv,
      path: 'a.parquet',
      kind: 'parquet',
      encoding: null,
      skip: null,
      header: null
    } as const;
    const of = (...files: IInspection['files']): [IForm['options'], number] => {
      const seen = { ...SEEN, files, doubts: [ENCODING] };
      return [settled(emptyForm('a.b'), seen).options, unsettled(seen).length];
    };
    expect(of(csv, csv)).toEqual([{ encoding: 'cp1252' }, 0]);
    expect(of(parquet, csv)).toEqual([{ encoding: 'cp1252' }, 0]);
    expect(of({ ...csv, encoding: 'utf-8' }, csv)).toEqual([{}, 1]);
    expect(of(csv, { ...csv, encoding: null })).toEqual([{}, 1]);
    expect(of(parquet)).toEqual([{}, 1]);
    const skip = { ...ENCODING, option: 'skip' };
    expect(unsettled({ files: [csv, { ...csv, skip: 2 }], doubts: [skip] })).toEqual([skip]);
  });

  it('knows names of datasets, and suggests one for a file', () => {
    expect(['a.b', 'a.b.c', 'flights.two-words'].every(isName)).toBe(true);
    expect(['a', 'a.', '.b', 'a b.c', '1.a', 'a.b@7'].some(isName)).toBe(false);
    const places = ['in/orders/*.csv', 's3://lake/days/', 'postgresql://a@b/shop#sales.Orders'];
    expect(places.map(suggestedName)).toEqual(['data.orders', 'data.days', 'data.orders']);
    const files = ['x/Verkauf 2024.csv.gz', '2024.parquet', 'a.tsv', 'Umsätze (alle).csv'];
    expect(files.map(suggestedName)).toEqual([
      'data.verkauf_2024',
      'data.t_2024',
      'data.a',
      'data.umsatze_alle'
    ]);
  });

  it('asks for a member of an archive, for a sheet and what becomes of missing columns', async () => {
    const [file] = SEEN.files;
    const members = ['a.csv', 'b.csv'].map(name => ({ ...file!, path: `data.zip!${name}` }));
    const { asked, ready } = await open(
      question => ({
        files: question.files[0]?.includes('!') ? members.slice(1) : members,
        exists: true
      }),
      undefined,
      ['data.zip']
    );
    expect(ready()?.member).toBe('');
    fireEvent.change(screen.getByLabelText('member of the archive'), {
      target: { value: 'b.csv' }
    });
    fireEvent.change(screen.getByLabelText('columns that are not everywhere'), {
      target: { value: 'yes' }
    });
    await settle();
    const last = asked[asked.length - 1];
    expect([last?.files, last?.union]).toEqual([['data.zip!b.csv'], true]);
    expect(screen.queryByLabelText('sheet')).toBeNull();
  });

  it('offers the sheets of a workbook, and no options of a CSV', async () => {
    const book = { ...SEEN.files[0]!, kind: 'excel' as const, sheets: ['sales', 'other'] };
    const { asked } = await open({ files: [book] }, undefined, ['book.xlsx']);
    const sheet = screen.getByLabelText('sheet');
    expect([...sheet.querySelectorAll('option')].map(option => option.textContent)).toEqual([
      'sales (the first)',
      'other'
    ]);
    expect(screen.queryByLabelText('separator')).toBeNull();
    fireEvent.change(sheet, { target: { value: 'other' } });
    await settle();
    expect(asked[asked.length - 1]?.sheet).toBe('other');
  });

  it('asks for the list that has the rows where a JSON file is one object', async () => {
    const file = { ...SEEN.files[0]!, kind: 'json' as const };
    const doubt = { option: 'rows', what: 'It is one object.', fix: 'Say it.', stops: true };
    const { asked, ready } = await open(
      question => ({ files: [file], doubts: question.rows === undefined ? [doubt] : [] }),
      undefined,
      ['dump.json']
    );
    expect(ready()).toBeNull();
    const field = screen.getByLabelText('rows are in the list');
    fireEvent.change(field, { target: { value: 'hits.hits' } });
    await settle();
    expect([ready()?.options.rows, asked[asked.length - 1]?.rows]).toEqual([
      'hits.hits',
      'hits.hits'
    ]);
    fireEvent.change(field, { target: { value: 'none' } });
    await settle();
    expect(asked[asked.length - 1]?.rows).toBe('');
  });

  it('waits for what the first field is, where its name is missing', async () => {
    const doubt = { option: 'row_names', what: 'One name too few.', fix: 'Say it.', stops: true };
    const { asked, ready } = await open(question => ({
      doubts: question.row_names ? [] : [doubt]
    }));
    expect(ready()).toBeNull();
    fireEvent.change(screen.getByLabelText('unnamed first field'), { target: { value: 'yes' } });
    await settle();
    expect([ready()?.options.row_names, asked[asked.length - 1]?.row_names]).toEqual(['yes', true]);
  });
});
