import { CommandRegistry } from '@lumino/commands';

import { ownChords } from '../chords';

interface ISetup {
  row: HTMLElement;
  field: HTMLElement;
  single: jest.Mock;
  opened: jest.Mock;
  interrupted: jest.Mock;
  press: (key: string, options?: KeyboardEventInit, on?: HTMLElement) => KeyboardEvent;
}

/**
 * A row of ours with single keys, in a JupyterLab that hears keys last; notebook: in a table of
 * `ml.ui`.
 */
function setup(notebook = false): ISetup {
  const commands = new CommandRegistry();
  const opened = jest.fn();
  const interrupted = jest.fn();
  commands.addCommand('mlinfra:open', { describedBy: {}, execute: opened });
  commands.addCommand('notebook:interrupt', { describedBy: {}, execute: interrupted });
  commands.addKeyBinding({ command: 'mlinfra:open', keys: ['Alt M', 'C'], selector: 'body' });
  commands.addKeyBinding({
    command: 'notebook:interrupt',
    keys: ['I', 'I'],
    selector: '.jp-Notebook'
  });
  document.body.innerHTML = `<div class="${notebook ? 'jp-Notebook' : ''}"><div class="jp-mlinfra-widget">
    <div ${notebook ? 'data-lm-suppress-shortcuts="true"' : ''}><p tabindex="0"></p></div><input /></div></div>`;
  const [row, field] = [document.querySelector('p')!, document.querySelector('input')!];
  const single = jest.fn();
  row.addEventListener('keydown', event => {
    if (!event.altKey) {
      single(event.key);
    }
  });
  const owning = ownChords(commands);
  const last = (event: KeyboardEvent): void => commands.processKeydownEvent(event);
  document.addEventListener('keydown', last);
  undo = () => {
    owning.dispose();
    document.removeEventListener('keydown', last);
  };
  const press: ISetup['press'] = (key, options = {}, on = row) => {
    // Lumino's layouts read the code of the key.
    const keyCode = key.toUpperCase().charCodeAt(0);
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const init = { key, keyCode, bubbles: true, cancelable: true, ...options };
    const event = new KeyboardEvent('keydown', init);
    on.dispatchEvent(event);
    return event;
  };
  return { row, field, single, opened, interrupted, press };
}

let undo = (): void => undefined;
beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  undo();
});

describe('a chord', () => {
  it('owns the next key: the row under the focus does not see it', () => {
    const { press, single, opened } = setup();
    press('m', { altKey: true });
    single.mockClear();
    press('c');
    expect(opened).toHaveBeenCalledTimes(1);
    expect(single).not.toHaveBeenCalled();
    press('c');
    expect(single).toHaveBeenCalledWith('c');
  });

  it('that the next key does not complete does nothing at all', () => {
    const { press, single, opened } = setup();
    press('m', { altKey: true });
    single.mockClear();
    press('k');
    expect(single).not.toHaveBeenCalled();
    press('k');
    expect(single).toHaveBeenCalledTimes(1);
    expect(opened).not.toHaveBeenCalled();
  });

  it('is over after a second, and a row has its keys again', () => {
    const { press, single } = setup();
    press('m', { altKey: true });
    jest.advanceTimersByTime(1_100);
    single.mockClear();
    press('c');
    expect(single).toHaveBeenCalledWith('c');
  });

  it('of the notebook does not begin in a list', () => {
    const { press, single } = setup();
    press('i');
    press('i');
    expect(single).toHaveBeenCalledTimes(2);
  });

  it('works in a table in the output of a cell, where the keys of the notebook do not', () => {
    const { press, single, opened, interrupted } = setup(true);
    press('m', { altKey: true });
    single.mockClear();
    press('c');
    expect(opened).toHaveBeenCalledTimes(1);
    expect(single).not.toHaveBeenCalled();
    press('i');
    press('i');
    expect(single.mock.calls).toEqual([['i'], ['i']]);
    expect(interrupted).not.toHaveBeenCalled();
  });

  it('that is given up in a field leaves the letter to the field', () => {
    const { press, field } = setup();
    press('m', { altKey: true }, field);
    expect(press('x', {}, field).defaultPrevented).toBe(false);
  });
});
