import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import React from 'react';

import type { IWorkbench } from '../tokens';

/** What names the keys of an object store: a file never holds their values. */
export const KEYS = `[catalog.properties]
"s3.endpoint" = "https://s3.example.com"
"s3.region" = "eu-west-1"
"s3.access-key-id" = "env:LAKE_KEY"
"s3.secret-access-key" = "keyring:lake/SECRET"`;

/** Where the keys of an object store are set, and the way there. */
export async function setCredentials({ commands, code, trans }: IWorkbench): Promise<void> {
  const answer = await showDialog({
    title: trans.__('Set Credentials'),
    body: ReactWidget.create(
      <div>
        <p>
          {trans.__(
            'The keys of an object store are named in mlinfra.toml. Their values stay in the environment of the server (env:NAME) or in its keyring (keyring:SERVICE/NAME).'
          )}
        </p>
        <pre>{KEYS}</pre>
        <p>
          {trans.__(
            'A change of the file counts at once. For a new variable of the environment, start Jupyter again. A tier has its own in [catalog.tiers.NAME.properties].'
          )}
        </p>
      </div>
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      Dialog.createButton({ label: trans.__('Copy Lines'), actions: ['copy'] }),
      Dialog.okButton({ label: trans.__('Open mlinfra.toml') })
    ]
  });
  if (answer.button.actions.includes('copy')) {
    code.copy(KEYS);
  } else if (answer.button.accept) {
    await commands.execute('mlinfra:workbench-open-file', { path: 'mlinfra.toml' });
  }
}
