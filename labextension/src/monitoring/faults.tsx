import '../../style/monitoring.css';

import React, { useEffect, useRef, useState } from 'react';

import type { IRuleFault } from '../api/types';
import { Button } from '../components/button';
import { prose } from '../components/card';
import { cx } from '../components/cx';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';

/** What is wrong without the place, which stands beside it: `a.mlrules.yaml, line 3: …`. */
export const plain = ({ what }: IRuleFault): string =>
  what.replace(/^.*?, line \d+(?:, column \d+)?: /s, '');

/** What is wrong with the text, why, and the fix. */
export function Faults({
  faults,
  onLine
}: {
  faults: readonly IRuleFault[];
  onLine: (line: number) => void;
}): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!faults.length) {
    return null;
  }
  return (
    <div className={cx('monitoring-faults')} role="alert">
      <ul>
        {faults.map(fault => (
          <li key={fault.what}>
            <State state="failed">{plain(fault)}</State>{' '}
            {fault.why && <span className={cx('quiet')}>{prose(fault.why)}</span>}{' '}
            {fault.fix && <span>{prose(fault.fix)}</span>}{' '}
            {fault.line !== null && (
              <Button
                label={trans.__('Go to Line %1', fault.line)}
                onClick={() => onLine(fault.line ?? 1)}
              />
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

interface IDrawn {
  line: number;
  text: string;
  top: number;
}

/** Where the lines with a fault are drawn, from the top of the editor. */
function placesOf(host: HTMLElement, faults: readonly IRuleFault[]): IDrawn[] {
  const top = host.getBoundingClientRect().top;
  const numbers = [...host.querySelectorAll('.cm-lineNumbers .cm-gutterElement')];
  return faults.flatMap(fault => {
    const found = numbers.find(
      node =>
        node.textContent === String(fault.line) &&
        node instanceof HTMLElement &&
        node.style.visibility !== 'hidden'
    );
    const text = plain(fault);
    return found && fault.line !== null
      ? [{ line: fault.line, text, top: found.getBoundingClientRect().top - top }]
      : [];
  });
}

/** The text of a file, with each fault beside its line. */
export function FaultLines({
  faults,
  children
}: {
  faults: readonly IRuleFault[];
  children: React.ReactNode;
}): React.ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const [drawn, setDrawn] = useState<IDrawn[]>([]);
  useEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const draw = (): void => setDrawn(placesOf(node, faults));
    const frame = requestAnimationFrame(draw); // the editor draws its lines first
    node.addEventListener('scroll', draw, true);
    const resized = new ResizeObserver(draw);
    resized.observe(node);
    return () => {
      cancelAnimationFrame(frame);
      node.removeEventListener('scroll', draw, true);
      resized.disconnect();
    };
  }, [faults]);
  return (
    <div ref={host} className={cx('monitoring-fault-lines')}>
      {children}
      {drawn.map(({ line, text, top }) => (
        <span
          key={`${line} ${text}`}
          className={cx('monitoring-fault-line')}
          style={{ top }}
          aria-hidden="true"
          data-line={line}
        >
          ✗ {text}
        </span>
      ))}
    </div>
  );
}
