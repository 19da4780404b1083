import { MainAreaWidget } from '@jupyterlab/apputils';
import React, { Suspense } from 'react';

import { Loading } from '../components/card';
import { labIcon } from '../components/labicon';
import { nameOf } from '../refs';
import type { IPageProps, IPageSpec, IWorkbench } from '../tokens';
import { FrameWidget } from './widget';

/** What a page shows: one object, drawn by a component that is fetched when the first page of its kind opens. */
class PageBody extends FrameWidget {
  constructor(
    workbench: IWorkbench,
    private readonly _reference: string,
    private readonly _component: React.ComponentType<IPageProps>
  ) {
    super(workbench, 'page');
  }

  protected override content(): React.ReactElement {
    const Body = this._component;
    return (
      <Suspense fallback={<Loading rows={8} />}>
        <Body reference={this._reference} name={nameOf(this._reference)} again={this._again} onTitle={this._name} />
      </Suspense>
    );
  }

  /** Tell the page that it is asked for again. */
  revisit(): void {
    this._again += 1;
    this.update();
  }

  /** The widget around takes the title over. */
  private readonly _name = (title: string): void => {
    this.title.label = title;
  };
  private _again = 0;
}

/** A page in the main area. */
export class PageWidget extends MainAreaWidget<PageBody> {
  constructor(
    workbench: IWorkbench,
    spec: IPageSpec,
    /** The object that the page shows. */
    readonly reference: string,
    component: React.ComponentType<IPageProps>
  ) {
    super({ content: new PageBody(workbench, reference, component) });
    this.id = `jp-mlinfra-${reference}`;
    this.addClass('jp-mlinfra-page-widget');
    this.toolbar.hide(); // the page's own header holds its buttons
    this.title.label = spec.title(nameOf(reference));
    this.title.caption = reference;
    this.title.icon = labIcon(spec.icon);
  }

  /** Tell the page that it is asked for again. */
  revisit(): void {
    this.content.revisit();
  }
}
