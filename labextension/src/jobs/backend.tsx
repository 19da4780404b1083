import React from 'react';

import { choices, Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';

interface IBackendFieldProps {
  value: string;
  /** Used when none is chosen; default: the backend of the settings. */
  none?: string;
  width?: number;
  unit?: string;
  onChange: (backend: string) => void;
}

/** Where a job runs: one of the backends that are installed. */
export function BackendField({
  value,
  none,
  onChange,
  ...rest
}: IBackendFieldProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { data = [] } = useQuery('backends', signal => client.jobs.backends(signal), {
    every: () => null
  });
  const usual = data.find(backend => backend.usual)?.name;
  const first = none ?? (usual === undefined ? trans.__('as set') : trans.__('as set (%1)', usual));
  const names = data.map(({ name }) => name);
  return (
    <Select
      {...rest}
      label={trans.__('backend')}
      value={value}
      options={[
        { value: '', label: first },
        ...choices(names, value).filter(option => option.value !== '')
      ]}
      onChange={onChange}
    />
  );
}
