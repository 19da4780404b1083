import type { Message } from '@lumino/messaging';
import React, { Suspense, useState } from 'react';

import { Button } from '../components/button';
import { Loading } from '../components/card';
import { cx } from '../components/cx';
import { labIcon } from '../components/labicon';
import { SearchBox, SearchResults } from '../components/search';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useSettled } from '../hooks/settled';
import type { IPanelProps, IPanelSpec, IWorkbench } from '../tokens';
import { FrameWidget } from './widget';

/** A panel of the side bar: title, search box, and the sections of its domain. */
export class PanelWidget extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _spec: IPanelSpec,
    /** Called each time the panel comes into sight. */
    private readonly _shown: (panel: PanelWidget) => void = () => undefined
  ) {
    super(workbench, 'panel');
    this.id = `jp-mlinfra-${_spec.name}`;
    this.title.icon = labIcon(_spec.icon);
    this.title.caption = _spec.title;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _spec.title);
    this._body = React.lazy(_spec.body);
  }

  /** Put the caret into the search box, as soon as it is drawn. */
  focusSearch(frames = 60): void {
    const input = this.node.querySelector<HTMLInputElement>('input[type="search"]');
    if (input) {
      input.focus();
      input.select();
    } else if (frames > 0 && this.isVisible) {
      requestAnimationFrame(() => this.focusSearch(frames - 1));
    }
  }

  protected override content(): React.ReactElement {
    return <Panel spec={this._spec} Body={this._body} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._shown(this);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.focusSearch();
  }

  private readonly _body: React.LazyExoticComponent<React.ComponentType<IPanelProps>>;
}

function Panel({ spec, Body }: { spec: IPanelSpec; Body: React.ComponentType<IPanelProps> }): React.ReactElement {
  const [words, setWords] = useState('');
  const [all, setAll] = useMemory(`scope:${spec.name}`, true);
  const [drawing, redraw] = useState(0);
  const settled = useSettled(words.trim(), 120);
  return (
    <>
      <PanelTitle spec={spec} onRefresh={() => redraw(drawing + 1)} />
      <SearchBox
        words={words}
        placeholder={spec.placeholder}
        onWords={setWords}
        scope={{ all, panel: spec.title, onScope: setAll }}
      />
      <div className={cx('panel-body')}>
        {settled ? (
          <SearchResults words={settled} panel={spec.name} all={all} />
        ) : (
          <Suspense fallback={<Loading />}>
            <Body key={drawing} name={spec.name} />
          </Suspense>
        )}
      </div>
    </>
  );
}

function PanelTitle({ spec, onRefresh }: { spec: IPanelSpec; onRefresh: () => void }): React.ReactElement {
  const { commands, trans } = useWorkbench();
  return (
    <div className={cx('panel-title')}>
      <h2>{spec.title}</h2>
      <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
      {(spec.actions ?? []).map(({ command, icon, label }) => (
        <Button
          key={command}
          icon={icon}
          bare={!label}
          kind={label ? 'default' : 'quiet'}
          label={label ?? commands.label(command)}
          caption={commands.caption(command)}
          onClick={() => void commands.execute(command)}
        />
      ))}
    </div>
  );
}
