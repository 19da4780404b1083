import { execFileSync } from 'child_process';

import { quoted } from '../shell';

describe('quoted', () => {
  it.each([
    'plain',
    "params.depth = '6'",
    'a"b',
    '$HOME `ls` \\',
    '',
    '--sort=metrics.auc',
    "'",
    'two\nlines',
    'é ö'
  ])('is read by a shell as the one word %j', word => {
    const said = execFileSync('sh', ['-c', `printf '%s|' ${quoted(word)}`], { encoding: 'utf8' });
    expect(said).toBe(`${word}|`);
  });
});
