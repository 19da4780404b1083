import { readFileSync } from 'fs';
import { join } from 'path';

import { formatRef, pageOf, parseRef } from '../../refs';

const CASES = JSON.parse(
  readFileSync(join(__dirname, '../../../../tests/core/references.json'), 'utf8')
) as [string, string, string[], string | null][];

describe('references', () => {
  it.each(CASES)('%s means the same as on the other side', (text, kind, parts, at) => {
    expect(parseRef(text)).toMatchObject({ kind, parts, at });
    expect(formatRef(kind, parts, at)).toBe(text);
  });

  it.each([
    ['column:sales.orders.amount', 'dataset:sales.orders'],
    ['column:data.class.Sepal%2ELength', 'dataset:data.class'],
    ['column:data.class.a/b', 'dataset:data.class'],
    ['dataset:sales.orders@4711', 'dataset:sales.orders@4711'],
    ['column:sales.orders.amount@4711', 'dataset:sales.orders'],
    ['feature:user_stats:clicks_7d', 'view:user_stats'],
    ['feature:user%20stats:clicks', 'view:user%20stats'],
    ['version:churn/7', 'model:churn'],
    ['version:churn@champion', 'model:churn'],
    ['version:a%2Fb/7', 'model:a%2Fb'],
    ['step:churn/train', 'pipeline:churn'],
    ['alert:churn/drift/clicks', 'alert:churn/drift/clicks'],
    ['experiment:my%20exp', 'experiment:my%20exp'],
    ['compare:9c1e,7f3a', 'compare:9c1e,7f3a'],
    ['run:9c1e', 'run:9c1e']
  ])('%s is shown by %s', (reference, page) => {
    expect(pageOf(reference)).toBe(page);
  });

  it.each(['', 'dataset', 'dataset:', 'Data:x', 'a b:c', 'dataset:a b'])('%p is none', text => {
    expect(parseRef(text)).toBeNull();
  });

  it.each([
    ['experiment:50%', '50%'],
    ['experiment:%zz%FFa', '%zz%FFa'],
    ['column:data.class.größe', 'data.class.größe']
  ])('%s, typed without encoding, is understood', (text, name) => {
    expect(parseRef(text)?.name).toBe(name);
  });

  it('half a character breaks nothing', () => {
    expect(parseRef(formatRef('pipeline', 'bad\udcff'))?.name).toBe('bad\ufffd');
  });
});
