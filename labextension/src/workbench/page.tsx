import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { labIcon } from '../components/labicon';
import { Arrivals } from '../hooks/page';
import type { IKindSpec } from '../kinds';
import { kindOf, labelOf, short } from '../refs';
import type { IPageProps, IPageSpec, IWorkbench, Lazy } from '../tokens';
import { type Drawing, FrameWidget } from './widget';

/**
 * What a page shows: one object, drawn by a component that is fetched when the first page of its
 * kind opens.
 */
class PageBody extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _reference: string,
    private _asked: string,
    private readonly _body: Lazy<IPageProps>
  ) {
    super(workbench, 'page');
    this._arrivals.ask(this._again);
  }

  protected override content({ Page }: Drawing): React.ReactElement {
    return (
      <Page
        body={this._body}
        reference={this._reference}
        state={{
          target: this._asked === this._reference ? '' : this._asked,
          turn: this._again,
          arrive: this._arrivals.arrive,
          close: this._close
        }}
        onTitle={this._name}
      />
    );
  }

  /** Tell the page that it is asked for again, for an object that it shows. */
  revisit(asked: string): void {
    this._again += 1;
    this._asked = asked;
    this._arrivals.ask(this._again);
    this.update();
  }

  /** The widget around takes the title over. */
  private readonly _name = (title: string): void => {
    this.title.label = title;
  };
  private readonly _close = (): void => this.parent?.close();
  private _again = 0;
  private readonly _arrivals = new Arrivals(this.node);
}

const PREVIEW = 'jp-mlinfra-preview-tab';

/** The object whose page the tab around a node is of. */
export const pageOfTab = (node: Element): string | undefined =>
  node.closest<HTMLElement>('.lm-TabBar-tab[data-mlinfra-page]')?.dataset.mlinfraPage;

/** A kind of object that has a page. */
export type IPagedKind = IKindSpec & { readonly page: IPageSpec };

/** A page in the main area. */
export class PageWidget extends MainAreaWidget<PageBody> {
  /** asked: the object that was asked for, where that is not the page's own. */
  constructor(
    workbench: IWorkbench,
    { icon, page }: Pick<IPagedKind, 'icon' | 'page'>,
    /** The object that the page shows. */
    readonly reference: string,
    asked = reference
  ) {
    super({ content: new PageBody(workbench, reference, asked, page.body) });
    this.id = `jp-mlinfra-${reference}`;
    this.addClass('jp-mlinfra-page-widget');
    this.node.dataset.mlinfraPage = reference;
    this.node.dataset.mlinfraKeys = page.keys ?? kindOf(reference);
    this.toolbar.hide(); // the page's own header holds its buttons
    this.title.label = page.title(short(labelOf(reference)));
    this.title.caption = reference;
    this.title.icon = labIcon(icon);
    this.title.dataset = { ...this.title.dataset, 'mlinfra-page': reference };
  }

  /** Tell the page that it is asked for again, for an object that it shows. */
  revisit(asked = this.reference): void {
    this.content.revisit(asked);
  }

  /** Whether the next page of its kind may take its place. */
  get isPreview(): boolean {
    return this._preview;
  }

  set isPreview(preview: boolean) {
    if (preview !== this._preview) {
      this._preview = preview;
      const words = this.title.className.split(' ').filter(word => word && word !== PREVIEW);
      this.title.className = (preview ? [...words, PREVIEW] : words).join(' ');
      this.onPreview();
    }
  }

  /** Called when the page becomes a preview, or is one no more. */
  onPreview: () => void = () => undefined;

  /** Whether its tab stands where it was opened: who moves it beside another page wants both. */
  get isInPlace(): boolean {
    return this._bar === null || this._tabBar() === this._bar;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.addEventListener('input', this._keep);
    requestAnimationFrame(() => {
      this._bar ??= this._tabBar();
    });
  }

  protected override onBeforeDetach(message: Message): void {
    this.node.removeEventListener('input', this._keep);
    super.onBeforeDetach(message);
  }

  private _tabBar(): Element | null {
    const tabs = [...document.querySelectorAll('.lm-TabBar-tab[data-mlinfra-page]')];
    return tabs.find(tab => pageOfTab(tab) === this.reference)?.closest('.lm-TabBar') ?? null;
  }

  /** What someone has typed into is not taken away. */
  private readonly _keep = (): void => {
    this.isPreview = false;
  };
  private _bar: Element | null = null;
  private _preview = false;
}
