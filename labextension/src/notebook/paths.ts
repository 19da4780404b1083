import type { IProject } from '../api/types';

/** A path of JupyterLab's file browser as one below the project; null when it lies outside. */
export function toProject(path: string, { path: root }: Pick<IProject, 'path'>): string | null {
  if (root === null) {
    return null;
  }
  if (root === '') {
    return path;
  }
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
}

/** A path below the project as JupyterLab's file browser names it; null when the project lies outside of it. */
export function toLab(path: string, { path: root }: Pick<IProject, 'path'>): string | null {
  if (root === null) {
    return null;
  }
  return root ? `${root}/${path}` : path;
}
