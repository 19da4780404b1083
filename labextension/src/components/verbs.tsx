import { ellipsesIcon, MenuSvg } from '@jupyterlab/ui-components';
import React from 'react';

import { useWorkbench } from '../hooks/context';
import { kinds } from '../kinds';
import { kindOf } from '../refs';
import type { IWorkbench } from '../tokens';
import { Button } from './button';

/** The menu of what can be done with an object, as a right click on its row shows it. */
export function Verbs({ target }: { target: { ref: string } }): React.ReactElement {
  const workbench = useWorkbench();
  return (
    <Button
      bare
      kind="quiet"
      icon={ellipsesIcon}
      label={workbench.trans.__('More Verbs')}
      onClick={event => show(workbench, target, event)}
    />
  );
}

/** The menu below its button, to which Escape leads back; a key that opened it is at its first. */
function show(
  { commands, seen }: IWorkbench,
  target: { ref: string },
  { currentTarget: button, detail: clicks }: React.MouseEvent
): void {
  seen.note(target.ref, target);
  const menu = new MenuSvg({ commands });
  for (const { id, inPage } of kinds.get(kindOf(target.ref))?.actions ?? []) {
    if (!inPage) {
      menu.addItem({ command: id, args: { ref: target.ref } });
    }
  }
  menu.aboutToClose.connect(() =>
    setTimeout(() => {
      menu.dispose();
      if (document.activeElement === document.body && button instanceof HTMLElement) {
        button.focus();
      }
    })
  );
  const { left, bottom } = button.getBoundingClientRect();
  menu.open(left, bottom);
  if (!clicks) {
    menu.activateNextItem();
  }
}
