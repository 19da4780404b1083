const LIMITS = [0.08, 0.15, 0.2, 0.3];

/** From this step on a cell carries a mark too. */
export const MARKED = 3;

/** The step of the heat scale, 0 to 4, of a PSI. */
export function heatOf(psi: number | string | null): number {
  return typeof psi === 'number' ? LIMITS.filter(limit => psi >= limit).length : 0;
}

/** The words of the scale: from which PSI on each step begins. */
export const STEPS: readonly string[] = [
  '< .08',
  ...LIMITS.map(limit => limit.toFixed(2).slice(1))
];

/** A place in a grid. */
export interface IPlace {
  row: number;
  column: number;
}

/** Where a key leads from a cell; null where it is no key of a grid. */
export function moved(
  key: string,
  { row, column }: IPlace,
  rows: number,
  columns: number
): IPlace | null {
  const clamp = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));
  switch (key) {
    case 'ArrowLeft':
      return { row, column: clamp(column - 1, columns) };
    case 'ArrowRight':
      return { row, column: clamp(column + 1, columns) };
    case 'ArrowUp':
      return { row: clamp(row - 1, rows), column };
    case 'ArrowDown':
      return { row: clamp(row + 1, rows), column };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: columns - 1 };
    case 'PageUp':
      return { row: clamp(row - 10, rows), column };
    case 'PageDown':
      return { row: clamp(row + 10, rows), column };
    default:
      return null;
  }
}

/** Which columns have a label: at most a dozen, the last one among them. */
export function isLabelled(column: number, columns: number): boolean {
  const every = Math.max(1, Math.ceil(columns / 12));
  return (columns - 1 - column) % every === 0;
}
