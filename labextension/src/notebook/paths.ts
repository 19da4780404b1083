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

/**
 * A path below the project as JupyterLab's file browser names it; null when the project lies
 * outside of it.
 */
export function toLab(
  path: string,
  { path: root, root: absolute }: Pick<IProject, 'path' | 'root'>
): string | null {
  if (root === null) {
    return null;
  }
  if (path.startsWith('/')) {
    // of a notebook outside the project
    const server = root ? absolute.slice(0, -root.length) : `${absolute}/`;
    return path.startsWith(server) ? path.slice(server.length) : null;
  }
  return root ? `${root}/${path}` : path;
}

/** The drive of executed notebooks. */
export const EXECUTED = 'mlinfra';

/** Whether an open notebook is the record of a run, which is no file that could be run. */
export const isRecord = ({ path }: { readonly path: string }): boolean =>
  path.startsWith(`${EXECUTED}:`);

/**
 * The path of an executed notebook for JupyterLab, which names a tab after the file: those of
 * several jobs have the same name on disk. `train.ipynb` of the second attempt of job 7f3a… is
 * `7f3a (2) train.ipynb` here, that of run e6f4… of a pipeline `e6f4 train.ipynb`.
 */
export const toTab = (path: string): string =>
  path.replace(
    /((?:jobs|runs)\/([^/]{1,4})[^/]*\/)(?:(\d+)\/)?([^/]+)$/,
    (_, folder, id, attempt, name) =>
      attempt ? `${folder}${attempt}/${id} (${attempt}) ${name}` : `${folder}${id} ${name}`
  );

/** Its path on disk; one that names no job in its name, as tabs once did not, is that path. */
export const toDisk = (path: string): string =>
  path.replace(
    /((?:jobs|runs)\/([^/]{4}|[^/]+(?=\/))[^/]*\/)(?:(\d+\/)\2 \(\d+\) |\2 )([^/]+)$/,
    (_, folder: string, _id, attempt: string | undefined, name: string) =>
      `${folder}${attempt ?? ''}${name}`
  );
