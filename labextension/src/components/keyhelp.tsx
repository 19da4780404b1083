import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { IWorkbench } from '../tokens';
import { Key } from './button';
import { cx } from './cx';

/** A key of one page. */
export interface IPageKey {
  readonly key: string;
  /** What it does, as a verb. */
  readonly label: string;
  readonly run: () => void;
}

type Line = readonly [keys: readonly string[], label: string];

/** The keys of every list and table. */
const listKeys = ({ trans }: IWorkbench): readonly Line[] => [
  [['↑', '↓'], trans.__('move')],
  [['→', '←'], trans.__('open and close a node')],
  [['Enter'], trans.__('open the page')],
  [['Space'], trans.__('select')],
  [['⇧ ↑', '⇧ ↓'], trans.__('extend the selection')],
  [['i'], trans.__('insert code in a new cell below')],
  [['⇧ i'], trans.__('insert code at the cursor')],
  [['c'], trans.__('copy code')],
  [['r'], trans.__('copy the reference')],
  [['p'], trans.__('pin or unpin')],
  [['/'], trans.__('go to the search box')],
  [['Esc'], trans.__('clear the selection; back to the notebook')],
  [['?'], trans.__('these keys')]
];

/**
 * The chords that work everywhere, as JupyterLab has them now: they can be changed in its shortcut
 * editor.
 */
function globalKeys({ commands }: IWorkbench): readonly Line[] {
  return commands.keyBindings
    .filter(({ command }) => command.startsWith('mlinfra:'))
    .map(({ command, keys }): Line => [
      keys.map(key => CommandRegistry.formatKeystroke(key)),
      commands.label(command).replace(/…$/, '')
    ]);
}

function KeyList({
  title,
  lines
}: {
  title: string;
  lines: readonly Line[];
}): React.ReactElement | null {
  return lines.length ? (
    <section className={cx('keys')} aria-label={title}>
      <h2>{title}</h2>
      <dl>
        {lines.map(([keys, label]) => (
          <React.Fragment key={label}>
            <dt>
              {keys.map(key => (
                <Key key={key}>{key}</Key>
              ))}
            </dt>
            <dd>{label}</dd>
          </React.Fragment>
        ))}
      </dl>
    </section>
  ) : null;
}

/** What each key does here; the newest of a key counts. */
export function KeyHelp({
  workbench,
  page
}: {
  workbench: IWorkbench;
  page: readonly IPageKey[];
}): React.ReactElement {
  const { trans } = workbench;
  const own = new Map(page.map(({ key, label }): [string, Line] => [key, [[key], label]]));
  return (
    <div className={cx('key-help')}>
      <KeyList title={trans.__('This page')} lines={[...own.values()]} />
      <KeyList title={trans.__('Lists and tables')} lines={listKeys(workbench)} />
      <KeyList title={trans.__('Everywhere')} lines={globalKeys(workbench)} />
    </div>
  );
}

/** Show the keys of a page in a dialog. */
export async function showKeys(workbench: IWorkbench, page: readonly IPageKey[]): Promise<void> {
  const { trans } = workbench;
  await showDialog({
    title: trans.__('Keys'),
    body: ReactWidget.create(<KeyHelp workbench={workbench} page={page} />),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
