import {
  addIcon,
  closeIcon,
  codeIcon,
  copyIcon,
  fileIcon,
  LabIcon,
  notebookIcon,
  pauseIcon,
  refreshIcon,
  runIcon,
  searchIcon,
  stopIcon,
  undoIcon,
  userIcon
} from '@jupyterlab/ui-components';

import { type AnyIcon, type DrawnIcon, ICONS, isDrawn, type IShape } from './glyphs';

/** What JupyterLab has a picture of itself. */
const SHARED = {
  close: closeIcon,
  code: codeIcon,
  copy: copyIcon,
  file: fileIcon,
  notebook: notebookIcon,
  pause: pauseIcon,
  play: runIcon,
  plus: addIcon,
  refresh: refreshIcon,
  search: searchIcon,
  stop: stopIcon,
  undo: undoIcon,
  user: userIcon
} satisfies Record<string, LabIcon>;

export type SharedIcon = keyof typeof SHARED;

function markup({ d, circle, rect }: IShape): string {
  if (circle) {
    return `<circle cx="${circle[0]}" cy="${circle[1]}" r="${circle[2]}"/>`;
  }
  if (rect) {
    return `<rect x="${rect[0]}" y="${rect[1]}" width="${rect[2]}" height="${rect[3]}" rx="${rect[4] ?? 0}"/>`;
  }
  return `<path d="${d}"/>`;
}

const made = new Map<DrawnIcon, LabIcon>();

/**
 * An icon of JupyterLab: its own, or one made of our drawing, for tabs, menus, the launcher and the
 * side bar.
 */
export function labIcon(name: AnyIcon): LabIcon {
  if (typeof name === 'object') {
    return name;
  }
  if (!isDrawn(name)) {
    return SHARED[name];
  }
  const existing = made.get(name);
  if (existing) {
    return existing;
  }
  const shapes: readonly IShape[] = ICONS[name];
  const lines = shapes.filter(shape => !shape.solid).map(markup);
  const solids = shapes.filter(shape => shape.solid).map(markup);
  // JupyterLab's icon classes recolour whichever of `fill` and `stroke` an element names, so lines
  // and solids stand apart.
  const svgstr =
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16" fill="none">' +
    `<g class="jp-icon3" stroke="#616161" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round">${lines.join('')}</g>` +
    `<g class="jp-icon3" fill="#616161">${solids.join('')}</g></svg>`;
  const icon = new LabIcon({ name: `jupyter-mlinfra:${name}`, svgstr });
  made.set(name, icon);
  return icon;
}
