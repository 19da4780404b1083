import { Clipboard } from '@jupyterlab/apputils';

import { copyText } from '../clipboard';

const copied = jest.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

/** What a browser was given, in the same turn in which it was asked. */
const written: Record<string, Promise<Blob>>[] = [];

function withClipboard(write: () => Promise<void>): void {
  Object.assign(globalThis, {
    ClipboardItem: function (data: Record<string, Promise<Blob>>) {
      written.push(data);
    }
  });
  Object.defineProperty(navigator, 'clipboard', { value: { write }, configurable: true });
}

beforeEach(() => {
  copied.mockClear();
  written.length = 0;
});
afterEach(() => void Reflect.deleteProperty(navigator, 'clipboard'));

it('a text that is there is copied at once', () => {
  copyText('1 + 1');
  expect(copied.mock.calls).toEqual([['1 + 1']]);
});

it('a text that is on its way is promised to the browser while the key is still down', async () => {
  withClipboard(async () => undefined);
  copyText(Promise.resolve('1 + 1'));
  expect(written).toHaveLength(1);
  expect((await written[0]?.['text/plain'])?.size).toBe(5);
  await settle();
  expect(copied).not.toHaveBeenCalled();
});

it.each([
  ['takes no promise', () => withClipboard(() => Promise.reject(new Error('NotAllowedError')))],
  ['has no such clipboard', () => undefined]
])('it is copied once it is there where the browser %s', async (_, prepare) => {
  prepare();
  copyText(Promise.resolve('1 + 1'));
  await settle();
  expect(copied.mock.calls).toEqual([['1 + 1']]);
});

it.each([
  ['is empty', () => Promise.resolve('')],
  ['never comes', () => Promise.reject(new Error('no answer'))]
])('nothing is copied when the text %s', async (_, text) => {
  withClipboard(async () => {
    await written[0]?.['text/plain'];
  });
  copyText(text());
  await settle();
  expect(copied).not.toHaveBeenCalled();
});
