import { TABLES } from './tables';

/** The last part of a place that is no pattern: of `data/*.csv` the folder. */
function lastPart(path: string): string {
  const parts = path.split('/').filter(part => part && !/[*?[]/.test(part));
  return parts.pop() ?? '';
}

/** A dataset's name as the name of a file, a folder, a pattern or a table suggests it. */
export function suggestedName(path: string): string {
  const [, table] = path.split('#');
  const last = table ? (table.split('.').pop() ?? '') : lastPart(path);
  const plain = last
    .replace(TABLES, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '') // ä → a
    .replace(/\W+/g, '_')
    .replace(/(?<=.)_$/, '')
    .toLowerCase();
  return `data.${/^[a-z_]/.test(plain) ? plain : `t_${plain}`}`;
}
