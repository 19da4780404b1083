import React, { useId, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Code } from '../api/types';
import type { CodeOf } from '../code/snippets';
import { type Door, DOORS } from '../code/cell';
import { useCode } from '../hooks/code';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { Button, Key } from './button';
import { cx } from './cx';
import { errorText, explainError } from './explain';
import { useFrameCode } from './frame';
import { Highlight } from './highlight';

interface ICodeDrawerProps {
  code: Code;
  note?: string;
  /** The code says something else than what is shown: it can be read, and is no call yet. */
  faulty?: boolean;
  /** The code of what is shown is on its way; this is that of something before. */
  late?: boolean;
  /** Why the code of what is shown did not come. */
  error?: ApiError | null;
  retry?: () => void;
}

const isDoor = (name: string): name is Door => (DOORS as readonly string[]).includes(name);

/** The same call by every door, at the foot of a page: to insert, to copy, to drag. */
export function CodeDrawer({
  code,
  note,
  faulty,
  late,
  error,
  retry
}: ICodeDrawerProps): React.ReactElement | null {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const names: Readonly<Record<Door, string>> = {
    python: 'Python',
    magic: trans.__('magic'),
    sql: 'SQL',
    cli: 'CLI',
    curl: 'curl'
  };
  const doors = Object.keys(code)
    .filter(isDoor)
    .sort((a, b) => DOORS.indexOf(a) - DOORS.indexOf(b));
  const [chosen, choose] = useState<Door>('python');
  const [folded, fold] = useMemory('code-strip:folded', false);
  const id = useId();
  const door = doors.includes(chosen) ? chosen : (doors[0] ?? (error ? 'python' : undefined));
  const ready = ![faulty, late].includes(true);
  const text = (door ? (code[door] ?? '') : '').trim();
  useFrameCode(ready ? text : '', door ?? 'python');
  if (!door) {
    return null;
  }
  return (
    <div className={cx('drawer')} role="group" aria-label={trans.__('Code')}>
      <div className={cx('drawer-head')}>
        <button
          type="button"
          className={cx('drawer-fold')}
          aria-expanded={!folded}
          aria-controls={id}
          title={folded ? trans.__('Show the code') : trans.__('Fold the code away')}
          onClick={() => fold(!folded)}
        >
          <span className={cx('twist', !folded && 'is-open')} aria-hidden="true" />
          <span className={cx(!folded && 'unseen')}>{trans.__('Code')}</span>
        </button>
        <div role="group" aria-label={trans.__('Written as')}>
          {doors.map(name => (
            <button
              key={name}
              type="button"
              className={cx('door')}
              aria-pressed={name === door}
              onClick={() => {
                choose(name);
                fold(false);
              }}
            >
              {names[name]}
            </button>
          ))}
        </div>
        <span className={cx('space')} />
        {error && !faulty ? (
          <Failure error={error} retry={retry} />
        ) : (
          <span className={cx('drawer-note')}>
            {faulty
              ? trans.__('once all fields are right')
              : (note ?? trans.__('runs as inserted'))}
          </span>
        )}
        <Button
          icon="code"
          label={trans.__('Insert')}
          disabled={!ready}
          onClick={() => void workbench.code.insertBelow(text, door)}
        />
        <Key>i</Key>
        <Button
          icon="copy"
          label={trans.__('Copy')}
          disabled={!ready}
          onClick={() => workbench.code.copy(text)}
        />
        <Key>c</Key>
      </div>
      <div id={id} hidden={folded}>
        <Highlight code={text} door={door} />
      </div>
    </div>
  );
}

/** Why there is no code to insert, in one line, and the way to ask once more. */
function Failure({
  error,
  retry
}: Pick<ICodeDrawerProps, 'retry'> & { error: ApiError }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <span className={cx('drawer-error')} role="alert" title={errorText(error, trans)}>
        {explainError(error, trans).what}
      </span>
      <Button label={trans.__('Try Again')} onClick={retry} />
    </>
  );
}

interface ICallCodeProps extends Pick<ICodeDrawerProps, 'faulty'> {
  /** Null: that of the page. */
  call: CodeOf | null;
  /** The code of the page, which stands until that of the call is there. */
  page?: Code;
  note?: string | ((code: Code) => string);
}

/** The code of objects, or of what a form is about to send. */
export function CallCode({ call, page = {}, note, faulty }: ICallCodeProps): React.ReactElement {
  const { code = page, late, error, retry } = useCode(call);
  const shownNote = typeof note === 'function' ? note(code) : note;
  return (
    <CodeDrawer
      code={code}
      note={shownNote}
      faulty={faulty}
      late={late}
      error={error}
      retry={retry}
    />
  );
}
