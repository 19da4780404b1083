import React, { useEffect, useState } from 'react';

import { Loading, Result } from '../components/card';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { toProject } from '../notebook/paths';
import type { PipelineContext } from './document';

interface IOpenedProps {
  context: PipelineContext;
  /** Draws the editor. inside: a path of the file browser below the project; null outside of it. */
  children: (inside: (path: string) => string | null) => React.ReactNode;
}

/** Draw the editor of a file once the file is read and it is known where the project is. */
export function Opened({ context, children }: IOpenedProps): React.ReactElement {
  const { client } = useWorkbench();
  const [ready, setReady] = useState(context.isReady);
  const project = useQuery('project', signal => client.project(signal), { every: () => null });
  useEffect(() => {
    void context.ready.then(() => setReady(true));
  }, [context]);
  return (
    <Result query={project}>
      {found => (ready ? children(path => toProject(path, found)) : <Loading rows={8} />)}
    </Result>
  );
}
