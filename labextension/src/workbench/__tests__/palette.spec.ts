import { CommandRegistry } from '@lumino/commands';
import { MessageLoop } from '@lumino/messaging';
import { CommandPalette, Widget } from '@lumino/widgets';

import { PaletteWatch } from '../palette';

const ID = 'mlinfra:jobs-open-run';

const setup = (): {
  input: HTMLInputElement;
  items: () => string[];
  answer: (run: boolean) => void;
  told: jest.Mock;
} => {
  let enabled = false;
  const commands = new CommandRegistry();
  commands.addCommand(ID, {
    label: 'Open the Run',
    describedBy: {},
    isEnabled: () => enabled,
    execute: () => null
  });
  const palette = new CommandPalette({ commands });
  palette.addItem({ command: ID, category: 'ML: Jobs' });
  Widget.attach(palette, document.body);
  const watch = new PaletteWatch(commands, new Set([ID]));
  palette.inputNode.addEventListener('focusin', watch.opened);
  const told = jest.fn();
  commands.commandChanged.connect(told);
  return {
    input: palette.inputNode,
    items: () => {
      MessageLoop.flush();
      const usable = '.lm-CommandPalette-item:not(.lm-mod-disabled) .lm-CommandPalette-itemLabel';
      return [...palette.node.querySelectorAll(usable)].map(node => node.textContent);
    },
    answer: run => (enabled = run),
    told
  };
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  document.body.innerHTML = '';
});

it('a palette shows what can be done since an answer that came after it was opened', () => {
  const { input, items, answer } = setup();
  input.focus();
  expect(items()).toEqual([]);
  answer(true);
  jest.advanceTimersByTime(300);
  expect(items()).toEqual(['Open the Run']);
  answer(false);
  jest.advanceTimersByTime(300);
  expect(items()).toEqual([]);
});

it('a palette keeps the item that was chosen in it as long as nothing changes', () => {
  const { input, told } = setup();
  input.focus();
  told.mockClear();
  jest.advanceTimersByTime(3_000);
  expect(told).not.toHaveBeenCalled();
});

it('nothing is looked at once the focus has left the palette', () => {
  const { input, answer, told } = setup();
  input.focus();
  input.blur();
  jest.advanceTimersByTime(300);
  told.mockClear();
  answer(true);
  jest.advanceTimersByTime(3_000);
  expect(told).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});
