import type { IAlertRule } from '../api/types';
import * as format from '../format';
import type { IWorkbench } from '../tokens';

/** When a rule fires, in words: `psi >= 0.2 of temp for 5 min`. */
export function condition(rule: IAlertRule, { trans }: IWorkbench): string {
  const where = Object.entries(rule.where)
    .map(([label, values]) => `${label} ${values.join(', ')}`)
    .join('; ');
  return [
    `${rule.metric} ${rule.op} ${format.number(rule.threshold)}`,
    rule.kind !== 'threshold' && trans.__('judged by %1', rule.kind),
    where && `(${where})`,
    rule.for_seconds > 0 && trans.__('for %1', format.span(rule.for_seconds)),
    rule.clear !== null && trans.__('until it is past %1', format.number(rule.clear)),
    rule.by.length > 0 && trans.__('by %1', rule.by.join(', '))
  ]
    .filter(Boolean)
    .join(' ');
}
