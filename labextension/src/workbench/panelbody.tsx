import React, { useState } from 'react';

import type { IProject } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, Loading } from '../components/card';
import { done } from '../components/confirm';
import { cx } from '../components/cx';
import { Later } from '../components/later';
import { SearchBox, SearchResults, useSearch } from '../components/search';
import { useAction } from '../hooks/action';
import { useEnabled } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { useQuery } from '../hooks/query';
import { RefreshContext } from '../hooks/refresh';
import type { IPanelAction, IPanelSpec } from '../tokens';

/** Title, search box and sections of a panel. */
export function Panel({ spec }: { spec: IPanelSpec }): React.ReactElement {
  const search = useSearch();
  const [all, setAll] = useMemory(`scope:${spec.name}`, true);
  const [turn, setTurn] = useState(0);
  const { client } = useWorkbench();
  const project = useQuery('project', signal => client.project(signal), { every: () => null });
  return (
    <RefreshContext.Provider value={turn}>
      <PanelTitle
        spec={spec}
        project={project.data}
        onRefresh={() => {
          setTurn(turn + 1);
          void project.refresh();
        }}
      />
      <SearchBox
        search={search}
        placeholder={spec.placeholder}
        scope={{ all, panel: spec.title, onScope: setAll }}
      />
      <div className={cx('panel-body')}>
        {project.error?.code === 'not_found' ? (
          <NoProject onMade={project.refresh} />
        ) : search.settled ? (
          <SearchResults search={search} panel={spec.name} all={all} />
        ) : (
          <Later load={spec.body} props={{ name: spec.name }} waiting={<Loading />} />
        )}
      </div>
    </RefreshContext.Provider>
  );
}

/** In place of all sections: each of them would say the same. */
function NoProject({ onMade }: { onMade: () => Promise<void> }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { run } = useAction();
  const create = (): Promise<boolean> =>
    run(async () => {
      const { root } = await client.init();
      done(trans.__('%1 is a project now.', root), trans);
      await onMade();
    });
  return (
    <EmptyCard
      sentence={trans.__(
        'There is no project yet. A project is a folder with the file mlinfra.toml, to which datasets, jobs and models belong. It is created in the folder that JupyterLab was started in.'
      )}
      action={{ label: trans.__('Create Project Here'), onClick: () => void create() }}
      code="mlinfra init"
    />
  );
}

interface IPanelTitleProps {
  spec: IPanelSpec;
  project: IProject | undefined;
  onRefresh: () => void;
}

function PanelTitle({ spec, project, onRefresh }: IPanelTitleProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <div className={cx('panel-title')}>
      <h2>{spec.title}</h2>
      <span
        className={cx('panel-project')}
        title={project && trans.__('Project %1, in %2', project.name, project.root)}
      >
        {project?.name}
      </span>
      <Button bare kind="quiet" icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
      {(spec.actions ?? []).map(action => (
        <PanelAction key={action.command} {...action} />
      ))}
    </div>
  );
}

function PanelAction({ command, icon, label }: IPanelAction): React.ReactElement {
  const { commands } = useWorkbench();
  return (
    <Button
      icon={icon}
      bare={!label}
      kind={label ? 'default' : 'quiet'}
      label={label ?? commands.label(command)}
      caption={commands.caption(command)}
      disabled={!useEnabled(command)}
      onClick={() => void commands.execute(command)}
    />
  );
}
