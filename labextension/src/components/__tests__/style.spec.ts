import { readFileSync } from 'node:fs';
import { join } from 'node:path';

it('a primary button keeps its own ground while it is pressed: its words are made for that one', () => {
  const sheet = document.createElement('style');
  sheet.textContent = readFileSync(join(__dirname, '../../../style/controls.css'), 'utf8');
  document.head.append(sheet);
  const ground = (classes: string, pressed: string): string => {
    const button = document.createElement('button');
    button.className = `jp-mlinfra-button ${classes}`;
    button.setAttribute('aria-pressed', pressed);
    document.body.append(button);
    return getComputedStyle(button).background;
  };
  expect(ground('', 'true')).toBe('var(--ml-sel)');
  expect(ground('jp-mlinfra-is-primary', 'false')).toContain('--jp-accept-color-normal');
  expect(ground('jp-mlinfra-is-primary', 'true')).toContain('--jp-accept-color-hover');
});

it('the count on the icon of a panel is no part of the name of its tab', () => {
  const sheet = document.createElement('style');
  sheet.textContent = readFileSync(join(__dirname, '../../../style/start.css'), 'utf8');
  document.head.append(sheet);
  const content = [...(sheet.sheet?.cssRules ?? [])].flatMap(rule =>
    rule instanceof CSSStyleRule && rule.selectorText.includes('data-mlinfra-badge')
      ? rule.style.getPropertyValue('content')
      : []
  );
  // what follows the slash is what readers hear of it
  expect(content).toEqual([expect.stringMatching(/^attr\(data-mlinfra-badge\) \/ (''|"")$/)]);
});
