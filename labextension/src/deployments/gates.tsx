import React from 'react';

import type { IDeployedVersion, IDeployment } from '../api/types';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { State } from '../components/state';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';

/** The tests that each version went through before it got traffic. */
export function Gates({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { trans } = useWorkbench();
  const tested = deployment.versions.filter(version => version.gates.length > 0);
  const names = [...new Set(tested.flatMap(version => version.gates.map(gate => gate.name)))];
  const columns: IColumnSpec<string>[] = [
    { key: 'gate', head: trans.__('test'), cell: name => name, width: 120 },
    {
      key: 'limit',
      head: trans.__('limit'),
      width: 240,
      wrap: true,
      cell: name => <span className={cx('quiet')}>{limitOf(tested, name)}</span>
    },
    ...tested.map((version): IColumnSpec<string> => ({
      key: version.version,
      head: version.version,
      wrap: true,
      cell: name => <Measured version={version} name={name} />
    }))
  ];
  return (
    <section className={cx('split')}>
      <Heading
        title={trans.__('Tests before traffic')}
        note={tested.map(version => version.version).join(', ')}
      />
      {names.length ? (
        <Table
          label={trans.__('Tests before traffic')}
          columns={columns}
          rows={names}
          row={name => ({ id: name })}
        />
      ) : (
        <p className={cx('more')}>{trans.__('No version has been tested yet.')}</p>
      )}
    </section>
  );
}

const limitOf = (versions: readonly IDeployedVersion[], name: string): string =>
  versions.flatMap(version => version.gates).find(gate => gate.name === name)?.limit ?? '';

function Measured({
  version,
  name
}: {
  version: IDeployedVersion;
  name: string;
}): React.ReactElement {
  const gate = version.gates.find(item => item.name === name);
  return gate ? (
    <State state={gate.passed ? 'passed' : 'failed'}>{gate.measured || undefined}</State>
  ) : (
    <>{format.DASH}</>
  );
}
