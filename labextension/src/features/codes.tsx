import React from 'react';

import type { Code } from '../api/types';
import { type Door, DOORS } from '../code/cell';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Highlight } from '../components/highlight';
import { useWorkbench } from '../hooks/context';

/** Every way to use a view, one below the other. */
export function Codes({ code }: { code: Code }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const titles: Readonly<Record<string, string>> = {
    python: trans.__('A training set in Python'),
    magic: trans.__('The same in a notebook, by a magic'),
    cli: trans.__('The same on the command line'),
    online: trans.__('Online values on the command line')
  };
  const doorOf = (name: string): Door => DOORS.find(door => door === name) ?? 'cli';
  return (
    <div className={cx('scroll')}>
      <p className={cx('more')}>
        {trans.__(
          'Owner, tags and description are written in the definition: change them in its file, then run mlinfra features apply. Tag Feature View… writes tags there.'
        )}
      </p>
      {Object.entries(code).map(([name, text]) => (
        <section key={name} aria-label={titles[name] ?? name}>
          <Heading title={titles[name] ?? name}>
            <Button
              icon="copy"
              label={trans.__('Copy')}
              onClick={() => workbench.code.copy(text)}
            />
          </Heading>
          <div className={cx('inset')}>
            <Highlight code={text} door={doorOf(name)} />
          </div>
        </section>
      ))}
    </div>
  );
}
