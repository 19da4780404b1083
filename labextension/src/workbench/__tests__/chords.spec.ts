import { CommandRegistry } from '@lumino/commands';

import { ownChords } from '../chords';

interface ISetup {
  row: HTMLElement;
  field: HTMLElement;
  single: jest.Mock;
  opened: jest.Mock;
  press: (key: string, options?: KeyboardEventInit, on?: HTMLElement) => KeyboardEvent;
}

/** A row of ours with single keys, in a JupyterLab that hears keys last. */
function setup(): ISetup {
  const commands = new CommandRegistry();
  const opened = jest.fn();
  commands.addCommand('open', { describedBy: {}, execute: opened });
  commands.addKeyBinding({ command: 'open', keys: ['Alt M', 'C'], selector: 'body' });
  commands.addKeyBinding({ command: 'open', keys: ['I', 'I'], selector: '.jp-Notebook' });
  document.body.innerHTML = '<div class="jp-mlinfra-widget"><p tabindex="0"></p><input /></div>';
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
  return { row, field, single, opened, press };
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

  it('that is given up in a field leaves the letter to the field', () => {
    const { press, field } = setup();
    press('m', { altKey: true }, field);
    expect(press('x', {}, field).defaultPrevented).toBe(false);
  });
});
