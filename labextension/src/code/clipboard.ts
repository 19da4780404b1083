import { Clipboard } from '@jupyterlab/apputils';

/**
 * Put a text on the clipboard, or nothing if it is empty.
 *
 * A text that is on its way is given to the browser as it is: Safari and Firefox refuse one that
 * comes after the click or key that asked for it is over. A browser that takes no promise, or a
 * page without `navigator.clipboard` (HTTP), gets the text once it is there.
 */
export function copyText(text: string | Promise<string>): void {
  if (typeof text === 'string') {
    copyNow(text);
    return;
  }
  void writePromise(text).catch(() => text.then(copyNow, () => undefined));
}

const copyNow = (text: string): void => {
  if (text) {
    Clipboard.copyToSystem(text);
  }
};

/** Rejects where the browser does not take it, and when there is no text in the end. */
async function writePromise(text: Promise<string>): Promise<void> {
  const blob = text.then(arrived => {
    if (!arrived) {
      throw new Error('There is nothing to copy.');
    }
    return new Blob([arrived], { type: 'text/plain' });
  });
  blob.catch(() => undefined); // the browser may never look at it
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
}
