import { watchTheme } from '../theme';

const show = async (name: string): Promise<void> => {
  document.body.dataset.jpThemeName = name;
  document.body.dataset.jpThemeLight = String(name === 'JupyterLab Light');
  await jest.advanceTimersByTimeAsync(1_000);
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('what is drawn on a canvas hears once of each new theme, until it is gone', async () => {
  const changed = jest.fn();
  const leave = watchTheme(changed);
  await show('JupyterLab Dark');
  expect(changed).toHaveBeenCalledTimes(1);
  await show('JupyterLab Light');
  expect(changed).toHaveBeenCalledTimes(2);
  leave();
  await show('JupyterLab Dark');
  expect(changed).toHaveBeenCalledTimes(2);
});
