const LIMITS = [0.08, 0.15, 0.2, 0.3];

/** The step of the heat scale, 0 to 4, of a PSI. */
export function heatOf(psi: number | string | null): number {
  return typeof psi === 'number' ? LIMITS.filter(limit => psi >= limit).length : 0;
}
