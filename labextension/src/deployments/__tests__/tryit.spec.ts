import type { IDeploymentDetail } from '../../api/types';
import { sampleBody } from '../body';

const bodyOf = (sample: object | null): string =>
  sampleBody({ sample } as unknown as IDeploymentDetail);

describe('the request that is tried first', () => {
  it('has its names and each of its rows on a line', () => {
    const sample = {
      data: {
        names: ['temp', 'carrier'],
        ndarray: [
          [75.92, 'UA'],
          [null, 'AA']
        ]
      }
    };
    expect(bodyOf(sample).split('\n')).toEqual([
      '{',
      '  "data": {',
      '    "names": ["temp", "carrier"],',
      '    "ndarray": [',
      '      [75.92, "UA"],',
      '      [null, "AA"]',
      '    ]',
      '  }',
      '}'
    ]);
  });

  it('stays what it was, whatever its names hold', () => {
    const sample = {
      data: { names: ['x[0]', 'a]', 'b[', 'c {', 'd\n  e', '[  ]'], ndarray: [['[', ']  ', 1]] }
    };
    expect(JSON.parse(bodyOf(sample))).toEqual(sample);
    expect(JSON.parse(bodyOf(null))).toEqual({ data: { names: [], ndarray: [] } });
  });
});
