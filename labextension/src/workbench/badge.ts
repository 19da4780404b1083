import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { Title, Widget } from '@lumino/widgets';

import { WidgetVisibility } from '../hooks/visible';
import type { IAttention, IPanelSpec } from '../tokens';

const BADGE = 'mlinfra-badge';

function draw(title: Title<Widget>, panel: string, count: number, { words }: IAttention): void {
  const others = Object.entries(title.dataset).filter(([name]) => name !== BADGE);
  title.dataset = Object.fromEntries(count ? [...others, [BADGE, String(count)]] : others);
  title.caption = count ? `${panel}: ${words(count)}` : panel;
}

/**
 * Show on the icon of a panel how much in it asks for attention, as long as the page of the browser
 * is in sight, until the answer is disposed. It is asked for as the status bar asks: with news of
 * it, and not by the clock.
 */
export function showBadge(
  title: Title<Widget>,
  { title: panel }: IPanelSpec,
  attention: IAttention
): IDisposable {
  const visibility = new WidgetVisibility();
  visibility.shown = true;
  const use = attention.use();
  use.hold();
  const update = (): void => draw(title, panel, use.answer.data?.total ?? 0, attention);
  const look = (): void => use.look(visibility.visible);
  const stops = [use.subscribe(update), visibility.subscribe(look)];
  look();
  update();
  return new DisposableDelegate(() => {
    stops.forEach(stop => stop());
    use.release();
  });
}
