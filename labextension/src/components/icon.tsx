import React from 'react';

import { cx } from './cx';
import { type AnyIcon, ICONS, isDrawn, type IShape, SHAPES, type ShapeName } from './glyphs';
import { labIcon } from './labicon';

function paint(
  { solid, inverse, width, dash }: IShape,
  stroke: string
): React.SVGAttributes<SVGElement> {
  if (solid) {
    return { fill: 'currentColor', stroke: 'none' };
  }
  return {
    fill: 'none',
    stroke: inverse ? 'var(--jp-layout-color1)' : 'currentColor',
    strokeWidth: width ?? stroke,
    strokeDasharray: dash
  };
}

function draw(shapes: readonly IShape[], stroke: string): React.ReactNode {
  return shapes.map((shape, index) => {
    const style = paint(shape, stroke);
    if (shape.circle) {
      const [cx, cy, r] = shape.circle;
      return <circle key={index} cx={cx} cy={cy} r={r} {...style} />;
    }
    if (shape.rect) {
      const [x, y, width, height, rx] = shape.rect;
      return <rect key={index} x={x} y={y} width={width} height={height} rx={rx} {...style} />;
    }
    return <path key={index} d={shape.d} {...style} />;
  });
}

/** An icon of 16 px; it says nothing to a screen reader, the word beside it does. */
export function Icon({ name }: { name: AnyIcon }): React.ReactElement {
  if (typeof name === 'string' && isDrawn(name)) {
    return (
      <svg className={cx('icon')} viewBox="0 0 16 16" aria-hidden="true">
        {draw(ICONS[name], 'var(--ml-stroke)')}
      </svg>
    );
  }
  const icon = labIcon(name);
  return <icon.react tag="span" className={cx('icon')} />;
}

/** A state shape of 12 px. */
export function Shape({ name }: { name: ShapeName }): React.ReactElement {
  return (
    <svg className={cx('shape')} viewBox="0 0 12 12" aria-hidden="true">
      {draw(SHAPES[name], '1.3')}
    </svg>
  );
}
