import React, { useContext, useLayoutEffect } from 'react';

import type { Code } from '../api/types';
import { type Door, DOORS } from '../code/cell';
import { Button, Key } from '../components/button';
import { cx } from '../components/cx';
import { useFrameCode } from '../components/frame';
import { Heading } from '../components/header';
import { Highlight } from '../components/highlight';
import { useWorkbench } from '../hooks/context';
import { CodesContext } from './lookedup';

/** Every way to use a view, one below the other; the strip of the page, which repeats them, goes. */
export function Codes({ code }: { code: Code }): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const show = useContext(CodesContext);
  useLayoutEffect(() => {
    show(true);
    return () => show(false);
  }, [show]);
  useFrameCode(code.python?.trim() ?? '', 'python');
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
            {name !== 'online' && (
              <Button
                icon="code"
                label={trans.__('Insert')}
                onClick={() => void workbench.code.insertBelow(text, doorOf(name))}
              />
            )}
            {name === 'python' && <Key>i</Key>}
            <Button
              icon="copy"
              label={trans.__('Copy')}
              onClick={() => workbench.code.copy(text)}
            />
            {name === 'python' && <Key>c</Key>}
          </Heading>
          <div className={cx('inset')}>
            <Highlight code={text} door={doorOf(name)} />
          </div>
        </section>
      ))}
    </div>
  );
}
