import '../../../style/catalog.css';

import React, { useEffect, useRef, useState } from 'react';

import type { IShape } from '../../api/types';
import { Button } from '../../components/button';
import { cx } from '../../components/cx';
import { rove } from '../../components/keyboard';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';

type Range = readonly [from: number, to: number];

interface IBrushProps {
  column: string;
  shape: IShape;
  onBrush: (range: Range) => void;
}

/**
 * The bars of a column, of which a part is chosen: by dragging over them, or with the arrow keys
 * and Shift, and Enter.
 */
export function Brush({ column, shape, onBrush }: IBrushProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [range, setRange] = useState<Range | null>(null);
  const [place, setPlace] = useState(0);
  const dragging = useRef(false);
  const host = useRef<HTMLDivElement>(null);
  const most = Math.max(1, ...shape.bars.map(({ count }) => count));
  const [low, high] = range ? [Math.min(...range), Math.max(...range)] : [-1, -1];
  useEffect(() => {
    const release = (): void => {
      dragging.current = false;
    };
    document.addEventListener('mouseup', release);
    return () => document.removeEventListener('mouseup', release);
  }, []);
  const press = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onBrush(range ?? [place, place]);
      return;
    }
    const next = rove(event.key, place, shape.bars.length, 'horizontal');
    if (next !== null) {
      event.preventDefault();
      setRange(event.shiftKey ? [range?.[0] ?? place, next] : [next, next]);
      setPlace(next);
      (host.current?.children[next] as HTMLElement | undefined)?.focus();
    }
  };
  const { bars } = shape;
  return (
    <div className={cx('catalog-brush')}>
      <div
        ref={host}
        role="listbox"
        aria-multiselectable="true"
        aria-orientation="horizontal"
        aria-label={trans.__('Shape of %1', column)}
        className={cx('catalog-brush-bars')}
        onKeyDown={press}
      >
        {bars.map(({ label, count }, index) => (
          <div
            key={index}
            role="option"
            tabIndex={index === place ? 0 : -1}
            aria-selected={index >= low && index <= high}
            aria-label={trans._n('%2: %1 row', '%2: %1 rows', count, format.plain(label))}
            title={trans._n('%2: %1 row', '%2: %1 rows', count, format.plain(label))}
            onMouseDown={event => {
              if (event.button === 0) {
                dragging.current = true;
                setPlace(index);
                setRange([index, index]);
              }
            }}
            onMouseEnter={() => dragging.current && setRange([range?.[0] ?? index, index])}
          >
            <span style={{ height: `${count ? Math.max(3, (100 * count) / most) : 0}%` }} />
          </div>
        ))}
      </div>
      <Button
        label={trans.__('Only These')}
        caption={trans.__(
          'Only rows of the bars that are chosen; drag over them, or Shift with the arrow keys'
        )}
        disabled={!range}
        onClick={() => range && onBrush(range)}
      />
    </div>
  );
}
