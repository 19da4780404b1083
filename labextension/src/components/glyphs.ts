import type { LabIcon } from '@jupyterlab/ui-components';

import type { SharedIcon } from './labicon';

/**
 * The drawings of the workbench. A glyph is a list of SVG shapes; `solid` ones carry the accent,
 * the others are strokes.
 */
export interface IShape {
  d?: string;
  circle?: readonly [x: number, y: number, radius: number];
  rect?: readonly [x: number, y: number, width: number, height: number, radius?: number];
  solid?: boolean;
  /** Drawn in the colour of the surface, over a solid shape. */
  inverse?: boolean;
  width?: number;
  dash?: string;
}

type Glyphs<Name extends string> = Readonly<Record<Name, readonly IShape[]>>;
const glyphs = <Name extends string>(all: Glyphs<Name>): Glyphs<Name> => all;

/** Icons: 16 px grid, 1.4 px stroke. */
export const ICONS = glyphs({
  catalog: [{ rect: [2.5, 3, 11, 10, 1] }, { d: 'M2.5 6.2h11M6.2 6.2V13M2.5 9.6h11' }],
  column: [{ rect: [5.5, 2.5, 5, 11, 1] }, { d: 'M5.5 6h5' }],
  features: [{ d: 'M8 2.2 13 5v6l-5 2.8L3 11V5z' }, { circle: [8, 8, 1.6], solid: true }],
  jobs: [
    { rect: [4, 4, 8, 8, 1] },
    { d: 'M6.5 1.8V4M9.5 1.8V4M6.5 12v2.2M9.5 12v2.2M1.8 6.5H4M1.8 9.5H4M12 6.5h2.2M12 9.5h2.2' },
    { d: 'M7 6.3v3.4L9.7 8z', solid: true }
  ],
  experiments: [
    { d: 'M6.3 2.3h3.4M6.9 2.3v4L3.1 12.4c-.4.7 0 1.3.8 1.3h8.2c.8 0 1.2-.6.8-1.3L9.1 6.3v-4' },
    { d: 'M4.7 10.8h6.6l1 1.8H3.7z', solid: true }
  ],
  models: [{ d: 'M8 2 13.2 4.9v6.2L8 14 2.8 11.1V4.9zM2.9 5 8 7.9 13.1 5M8 7.9V14' }],
  deployment: [
    { circle: [8, 8, 2] },
    { d: 'M4.2 11.8a5.4 5.4 0 0 1 0-7.6M11.8 4.2a5.4 5.4 0 0 1 0 7.6' }
  ],
  monitor: [{ d: 'M1.8 8.5h2.7l1.7-4.5 3 8.5 1.9-4h3.1' }],
  pipeline: [
    { circle: [3.8, 8, 1.6] },
    { circle: [12.2, 4, 1.6] },
    { circle: [12.2, 12, 1.6] },
    { d: 'M5.4 7.3 10.6 4.7M5.4 8.7l5.2 2.6' }
  ],
  compare: [{ d: 'M2.5 13.5h11M4.5 11V7.5M8 11V3.5M11.5 11V5.5' }],
  clock: [{ circle: [8, 8, 5.5] }, { d: 'M8 5v3.2l2.2 1.4' }],
  terminal: [{ d: 'm3 4.5 3.5 3.5L3 11.5M8 11.5h5' }],
  up: [{ d: 'm4 10 4-4 4 4' }],
  down: [{ d: 'm4 6 4 4 4-4' }],
  queue: [{ d: 'M2.5 4h11M2.5 8h11M2.5 12h6.500' }],
  pin: [{ d: 'M6 2.5h4l-.5 4 2 2.5h-7l2-2.5zM8 9v4.500' }]
});

export type DrawnIcon = keyof typeof ICONS;
/** One of ours, one that JupyterLab has, or one that another extension brings. */
export type AnyIcon = DrawnIcon | SharedIcon | LabIcon;

export const isDrawn = (name: string): name is DrawnIcon => name in ICONS;

/**
 * State shapes: 12 px grid; each state has a shape of its own, so that colour is never the only
 * sign.
 */
export const SHAPES = glyphs({
  done: [
    { circle: [6, 6, 5], width: 1.3 },
    { d: 'm3.6 6.2 1.7 1.7 3.1-3.7', width: 1.4 }
  ],
  running: [{ d: 'M2.5 1.5v9L10.5 6z', solid: true }],
  waiting: [
    { d: 'M2.5 1.2h7L6.8 6l2.7 4.8h-7L5.2 6z', width: 1.3 },
    { d: 'M3.8 9.8h4.4L6 7.5z', solid: true }
  ],
  failed: [
    { d: 'M3.7.8h4.6l2.9 2.9v4.6l-2.9 2.9H3.7L.8 8.3V3.7z', solid: true },
    { d: 'm4.2 4.2 3.6 3.6m0-3.6L4.2 7.8', width: 1.4, inverse: true }
  ],
  firing: [
    { d: 'M6 .9 11.4 10.7H.6z', solid: true },
    { d: 'M6 4.2v3.3M6 8.7v.9', width: 1.4, inverse: true }
  ],
  caution: [{ d: 'M6 2 10.5 10h-9z', solid: true }],
  cached: [{ d: 'M6 1.2 10.8 6 6 10.8 1.2 6z', width: 1.4 }],
  missed: [{ circle: [6, 6, 4.6], width: 1.4, dash: '2.2 1.8' }],
  none: [{ d: 'M3 6h6', width: 1.5 }],
  clock: [
    { circle: [6, 6, 4.8], width: 1.2 },
    { d: 'M6 3v3l2 1.3', width: 1.2 }
  ],
  live: [{ circle: [6, 6, 4], solid: true }],
  half: [
    { circle: [6, 6, 4.6], width: 1.3 },
    { d: 'M6 1.4a4.6 4.6 0 0 1 0 9.2z', solid: true }
  ],
  nodata: [{ rect: [1.5, 1.5, 9, 9], width: 1.3, dash: '2 1.7' }],
  stopped: [{ rect: [2.5, 2.5, 7, 7], width: 1.4 }],
  paused: [
    { rect: [2.5, 2, 2.4, 8], solid: true },
    { rect: [7.1, 2, 2.4, 8], solid: true }
  ]
});

export type ShapeName = keyof typeof SHAPES;
