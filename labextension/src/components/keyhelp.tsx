import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { IWorkbench } from '../tokens';
import { Key } from './button';
import { cx } from './cx';

type Line = readonly [keys: readonly string[], label: string];

/** The keys of every list and table. */
const listKeys = ({ trans }: IWorkbench): readonly Line[] => [
  [['↑', '↓'], trans.__('move')],
  [['→', '←'], trans.__('open and close a node')],
  [['Enter'], trans.__('open the page')],
  [['Space'], trans.__('select')],
  [['⇧ ↑', '⇧ ↓'], trans.__('extend the selection')],
  [['/'], trans.__('go to the search box')],
  [['Esc'], trans.__('clear the selection; back to the notebook')],
  [['?'], trans.__('these keys')]
];

const CHORD = 'body';
/** In lists and pages alike. */
const isCommon = ({ selector }: Binding): boolean => firstOf(selector) === '.jp-mlinfra-widget';
/** The part of a selector before its first space or condition. */
const firstOf = (selector: string): string => /^(?:\[[^\]]*\]|[^\s:[])*/.exec(selector)?.[0] ?? '';

type Binding = CommandRegistry.IKeyBinding;

const lineOf =
  ({ commands }: IWorkbench) =>
  ({ command, args, keys }: Binding): Line => [
    keys.map(key => CommandRegistry.formatKeystroke(key)),
    commands.label(command, args).replace(/…$/, '')
  ];

/** Our keys, as JupyterLab has them now: they can be changed in its shortcut editor. */
function bindings({ commands }: IWorkbench): readonly Binding[] {
  return commands.keyBindings.filter(
    ({ command }) => command.startsWith('mlinfra:') && commands.hasCommand(command)
  );
}

/** Those that work in a page or in what it shows, such as the rows of the queue. */
function pageKeys(workbench: IWorkbench, frame: Element): readonly Binding[] {
  return bindings(workbench).filter(
    binding =>
      binding.selector !== CHORD &&
      !isCommon(binding) &&
      frame.closest(firstOf(binding.selector) || '*') !== null
  );
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

/** What each key does here. */
export function KeyHelp({
  workbench,
  frame
}: {
  workbench: IWorkbench;
  frame: Element | null;
}): React.ReactElement {
  const { trans } = workbench;
  const line = lineOf(workbench);
  const own = frame ? pageKeys(workbench, frame) : [];
  const common = bindings(workbench).filter(isCommon);
  const everywhere = bindings(workbench).filter(({ selector }) => selector === CHORD);
  return (
    <div className={cx('key-help')}>
      <KeyList title={trans.__('This page')} lines={own.map(line)} />
      <KeyList
        title={trans.__('Lists and tables')}
        lines={[...listKeys(workbench), ...common.map(line)]}
      />
      <KeyList title={trans.__('Everywhere')} lines={everywhere.map(line)} />
    </div>
  );
}

/** Show the keys of a page in a dialog; without one, those of lists and of everywhere. */
export async function showKeys(workbench: IWorkbench, frame: Element | null): Promise<void> {
  const { trans } = workbench;
  await showDialog({
    title: trans.__('Keys'),
    body: ReactWidget.create(<KeyHelp workbench={workbench} frame={frame} />),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
