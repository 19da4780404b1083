import React from 'react';

import type { IDeployedVersion } from '../api/types';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

interface IPassedProps {
  version: IDeployedVersion;
  /** Say what is counted, where no heading does. */
  named?: boolean;
}

/** How many tests a version has passed. */
export function Passed({ version, named = false }: IPassedProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { gates } = version;
  const passed = gates.filter(gate => gate.passed).length;
  const failed = gates.some(gate => gate.passed === false);
  return gates.length ? (
    <State state={failed ? 'failed' : passed < gates.length ? 'no_data' : 'passed'}>
      {named
        ? trans.__('tests %1/%2', passed, gates.length)
        : trans.__('%1/%2', passed, gates.length)}
    </State>
  ) : (
    <>{format.DASH}</>
  );
}
