import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';

export interface IShortcut {
  command: string;
  keys: string[];
  selector: string;
}

export interface IMenuItem {
  command?: string;
  type?: string;
  selector?: string;
  submenu?: { items: readonly IMenuItem[] };
}

export interface ISchema {
  'jupyter.lab.shortcuts'?: readonly IShortcut[];
  'jupyter.lab.menus'?: {
    main?: readonly { items: readonly IMenuItem[] }[];
    context?: readonly IMenuItem[];
  };
}

const FOLDER = join(__dirname, '../../schema');

/** What JupyterLab reads of the plugins: their shortcuts and menus. */
export const schemas = (): readonly ISchema[] =>
  readdirSync(FOLDER).map(name => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as ISchema);

export const shortcuts = (): readonly IShortcut[] =>
  schemas().flatMap(schema => schema['jupyter.lab.shortcuts'] ?? []);
