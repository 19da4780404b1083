import { InputDialog } from '@jupyterlab/apputils';
import { render } from '@testing-library/react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { confirm } from '../../components/confirm';
import type { IActionCall } from '../../tokens';
import { deprecate, read, tag, written } from '../labelverbs';

jest.mock('../../components/confirm', () => ({
  ...jest.requireActual<object>('../../components/confirm'),
  confirm: jest.fn(async () => true),
  inform: jest.fn()
}));

const asked = confirm as jest.Mock;

const CHANGED = {
  view: 'clicks',
  file: 'feature_repo/views.py',
  line: 7,
  tags: {},
  diff: '--- a\n+++ a\n@@ -1 +1 @@\n-    tags={},\n+    tags={"deprecated": "x"},\n same',
  written: false,
  used_by: ['deployment delay'],
  applied: null
};

function call(
  tags: object,
  args: object = {},
  found: object = CHANGED
): [IActionCall<never>, jest.Mock] {
  const job = jest.fn(async () => ({ ref: 'job:1', id: '1', state: 'succeeded' }));
  const features = {
    show: async () => ({ view: { tags } }),
    tagged: async () => found,
    tag: job
  };
  const { workbench } = fakeWorkbench({ features });
  return [
    { workbench, ref: 'view:clicks', name: 'clicks', args, item: undefined } as IActionCall<never>,
    job
  ];
}

const answer = (value: string | null): void => {
  jest
    .spyOn(InputDialog, 'getText')
    .mockResolvedValue({ button: { accept: value !== null }, value } as never);
};

beforeEach(() => asked.mockClear());

it('tags are written and read as a person writes them', () => {
  expect(read(' team = growth, gold ,,a=b=c')).toEqual({ team: 'growth', gold: '', a: 'b=c' });
  expect(written({ team: 'growth', gold: '' })).toBe('team=growth, gold');
});

it('the dialog names what uses a view and the lines that change, before it is deprecated', async () => {
  answer(' use visits ');
  const [asks, job] = call({ team: 'growth' });
  const outcome = await deprecate(asks);
  const [said] = asked.mock.calls[0] as [{ body: React.ReactElement }];
  render(said.body);
  expect(document.body.textContent).toContain('Used by deployment delay: that goes on as before.');
  expect(document.body.textContent).toContain(
    'In feature_repo/views.py, line 7:-    tags={},\n+    tags={"deprecated": "x"},'
  );
  expect(job).toHaveBeenCalledWith('clicks', { add: { deprecated: 'use visits' }, remove: [] });
  expect(outcome).toEqual({
    message: 'clicks is deprecated.',
    undo: {
      command: 'mlinfra:features-tag',
      args: { ref: 'view:clicks', tags: { team: 'growth' } }
    }
  });
});

it('a deprecated view may be taken again', async () => {
  const [asks, job] = call({ deprecated: 'x' });
  await deprecate(asks);
  expect(job).toHaveBeenCalledWith('clicks', { add: {}, remove: ['deprecated'] });
});

it('nothing is written when the dialog is left, or the file says so already', async () => {
  asked.mockResolvedValueOnce(false);
  answer('gold');
  const [asks, job] = call({ team: 'growth' });
  expect(await tag(asks)).toBeNull();
  answer(null);
  expect(await deprecate(asks)).toBeNull();
  const [same, other] = call({}, {}, { ...CHANGED, diff: '' });
  answer('gold');
  expect(await tag(same)).toBeNull();
  expect(job).not.toHaveBeenCalled();
  expect(other).not.toHaveBeenCalled();
});

it('tags are changed as a whole, those with a comma stay, and an undo does not ask', async () => {
  answer('gold, team=ads');
  const [asks, job] = call({ team: 'growth', old: '', list: 'a,b' });
  await tag(asks);
  expect(job).toHaveBeenCalledWith('clicks', { add: { gold: '', team: 'ads' }, remove: ['old'] });
  expect(asked).toHaveBeenCalledTimes(1);
  const [undo, undone] = call({ gold: '' }, { tags: { team: 'growth' } });
  await tag(undo);
  expect(undone).toHaveBeenCalledWith('clicks', { add: { team: 'growth' }, remove: ['gold'] });
  expect(asked).toHaveBeenCalledTimes(1);
});
