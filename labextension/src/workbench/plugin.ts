import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { createClient } from '../api/client';
import { createEvents } from '../api/events';
import { createRequest } from '../api/request';
import { createCode } from '../code/insert';
import { frameIn } from '../frames';
import { IMLInfra, IWorkbench } from '../tokens';
import { ownChords } from './chords';
import { addGeneric } from './commands';
import { openQuick } from './quick';
import { createMemory, Workbench } from './workbench';

/** Replace this plugin to feed the front end from elsewhere. */
export const client: JupyterFrontEndPlugin<IMLInfra> = {
  id: '@jupyter-mlinfra/labextension:client',
  description: 'Talks to the jupyter-mlinfra server extension and hears its events.',
  autoStart: true,
  provides: IMLInfra,
  activate: ({ serviceManager }: JupyterFrontEnd): IMLInfra => ({
    client: createClient(createRequest(serviceManager.serverSettings)),
    events: createEvents(serviceManager.events)
  })
};

export const workbench: JupyterFrontEndPlugin<IWorkbench> = {
  id: '@jupyter-mlinfra/labextension:workbench',
  description: 'Holds the panels, pages and commands of the ML infrastructure workbench.',
  autoStart: true,
  provides: IWorkbench,
  requires: [IMLInfra],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette, INotebookTracker, IStateDB, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    mlinfra: IMLInfra,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    state: IStateDB | null,
    labShell: ILabShell | null
  ): IWorkbench => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlinfra');
    ownChords(app.commands);
    const reveal = (panel: NotebookPanel): void => app.shell.activateById(panel.id);
    const code = createCode(app.commands, notebooks, reveal, trans);
    const made = new Workbench({
      app,
      area: labShell ? 'main' : 'down',
      mlinfra,
      trans,
      code,
      memory: createMemory(state),
      palette,
      restorer
    });
    addGeneric(made);
    made.addCommand({
      id: 'mlinfra:workbench-search',
      label: trans.__('Search the Workbench'),
      caption: trans.__('Find any object by name, column, tag, owner, note or reference'),
      icon: 'search',
      category: trans.__('ML: Workbench'),
      execute: () => openQuick(made)
    });
    const asked = (args?: ReadonlyPartialJSONObject): string | undefined =>
      typeof args?.ref === 'string' ? args.ref : made.pointer.refs(args)[0];
    made.addCommand({
      id: 'mlinfra:workbench-open',
      label: trans.__('Open'),
      caption: trans.__('Open the page of an object, such as run:9c1e'),
      args: {
        ref: {
          type: 'string',
          description: trans.__('A reference, KIND:NAME[@VERSION]; the selected row without it')
        }
      },
      isEnabled: args => asked(args) !== undefined,
      execute: args => {
        const ref = asked(args);
        return ref === undefined ? undefined : made.open(ref);
      }
    });
    const pageToKeep = (args?: ReadonlyPartialJSONObject): string | undefined =>
      args?.tab === true
        ? app.contextMenuHitTest(node => node.dataset.mlinfraPage !== undefined)?.dataset
            .mlinfraPage
        : made.preview?.reference;
    made.addCommand({
      id: 'mlinfra:workbench-keep',
      label: trans.__('Keep This Page Open'),
      caption: trans.__('The next page of its kind opens beside it instead of replacing it'),
      category: trans.__('ML: Workbench'),
      args: {
        tab: {
          type: 'boolean',
          description: trans.__('Whether to keep the tab under the context menu')
        }
      },
      isEnabled: args => pageToKeep(args) !== undefined,
      execute: args => {
        const reference = pageToKeep(args);
        return reference === undefined ? undefined : made.keep(reference);
      }
    });
    app.shell.currentChanged?.connect(() =>
      app.commands.notifyCommandChanged('mlinfra:workbench-keep')
    );
    made.addCommand({
      id: 'mlinfra:workbench-keys',
      label: trans.__('Show Keys'),
      caption: trans.__('What each key does on this page, in lists and everywhere'),
      category: trans.__('ML: Workbench'),
      execute: () => {
        const page = app.shell.currentWidget;
        const frame = page && frameIn(page.node);
        return frame
          ? frame.help()
          : import('./drawing').then(({ showKeys }) => showKeys(made, null));
      }
    });
    return made;
  }
};
