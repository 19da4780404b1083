import { execFileSync } from 'child_process';

import { codeOf } from '../experiment';

const NEWEST = { key: 'started', descending: true };

/** The words that a shell makes of a line. */
const words = (line: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');

describe('the code of an experiment', () => {
  it.each(["params.depth = '6'", `tags.note = "it's"`, '$HOME'])(
    'hands the filter %s on unchanged',
    where => {
      const { cli = '' } = codeOf('churn', where, NEWEST, []);
      expect(words(cli)).toEqual(['mlinfra', 'runs', 'list', 'churn', '--where', where]);
    }
  );

  it('quotes a name and a sort key that a shell would split', () => {
    const { cli = '' } = codeOf('my runs', '', { key: 'metrics.val auc', descending: true }, []);
    expect(words(cli)).toEqual(['mlinfra', 'runs', 'list', 'my runs', '--sort=-metrics.val auc']);
  });
});
