import '../../style/pipelines.css';

import { PathExt } from '@jupyterlab/coreutils';
import React, { useMemo, useState } from 'react';

import type { IDraft, IPipelineRun, IStep } from '../api/types';
import { Button, Key } from '../components/button';
import { done, failed } from '../components/confirm';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { InlineForm } from '../components/form';
import { usePageVerb } from '../components/frame';
import { Graph } from '../components/graph';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { connected, relative, stepOf, withStep } from './changes';
import { draw, inputOf } from './drawing';
import { type IDraftState, type IText, isStale } from './draft';
import { StepForm } from './step';
import { before } from './things';

interface ICanvasProps {
  draft: IDraft;
  /** Whether the text says something else by now, which cannot be drawn. */
  stale: boolean;
  text: IText;
  run: IPipelineRun | undefined;
  step: string | null;
  onStep: (step: string | null) => void;
  /** Notebooks beside the file, as it would name them. */
  notebooks: () => Promise<readonly string[]>;
}

type Open = 'new' | 'connect' | 'step' | null;

/** The graph of a file, to be changed: every change is one of its text. */
export function Canvas(props: ICanvasProps): React.ReactElement {
  const { draft, stale, text, run, step, onStep } = props;
  const workbench = useWorkbench();
  const { client, trans } = workbench;
  const [open, setOpen] = useState<Open>(null);
  const chosen = draft.graph.find(({ name }) => name === step);
  const free = !stale && !text.busy;
  const { nodes, links } = useMemo(
    () => draw({ pipeline: draft.name, graph: draft.graph, run, selected: step }, workbench),
    [draft, run, step, workbench]
  );
  const remove = async (name: string): Promise<void> => {
    if (await text.change(before => client.pipelines.edit(before, ['steps', name]))) {
      onStep(null);
      setOpen(null);
      done(trans.__('Step %1 is removed.', name), trans, {
        label: trans.__('Undo'),
        run: text.undo
      });
    }
  };
  usePageVerb('mlinfra:pipelines-add-step', () => setOpen('new'), free);
  usePageVerb(
    'mlinfra:pipelines-connect-step',
    () => setOpen('connect'),
    free && chosen !== undefined
  );
  const onKey = (key: string, id: string): boolean => {
    if (inputOf(id) !== null || !free) {
      return false;
    }
    if (key === 'e') {
      onStep(id);
      setOpen('connect');
      return true;
    }
    if (key === 'Delete') {
      void remove(id);
      return true;
    }
    return false;
  };
  const close = (): void => setOpen(null);
  return (
    <div className={cx('pipelines-canvas')}>
      <Verbs
        free={free}
        chosen={chosen !== undefined}
        open={open}
        onOpen={setOpen}
        onRemove={() => chosen && void remove(chosen.name)}
      />
      {open === 'new' && <NewStep {...props} onClose={close} />}
      {open === 'connect' && chosen && <Connect {...props} from={chosen} onClose={close} />}
      <div className={cx('pipelines-canvas-body', stale && 'is-stale')}>
        <div className={cx('pipelines-well')}>
          {nodes.length > 0 && (
            <Graph
              label={trans.__('Graph of %1', draft.name)}
              nodes={nodes}
              links={links}
              onKey={onKey}
              onOpen={id => {
                if (inputOf(id) === null) {
                  onStep(id);
                  setOpen('step');
                }
              }}
            />
          )}
        </div>
        {open === 'step' && chosen && (
          <StepForm
            key={chosen.name}
            step={chosen}
            written={draft.written[chosen.name] ?? ''}
            path={draft.path}
            text={text}
            disabled={!free}
            onRename={onStep}
            onClose={close}
          />
        )}
      </div>
    </div>
  );
}

interface IVerbsProps {
  free: boolean;
  chosen: boolean;
  open: Open;
  onOpen: (open: Open) => void;
  onRemove: () => void;
}

/** The buttons above the graph, each with its key. */
function Verbs({ free, chosen, open, onOpen, onRemove }: IVerbsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const caption = chosen ? undefined : trans.__('Choose a step first');
  return (
    <div className={cx('bar')}>
      <Button
        icon="plus"
        label={trans.__('New Step…')}
        disabled={!free}
        pressed={open === 'new'}
        onClick={() => onOpen(open === 'new' ? null : 'new')}
      />
      <Key>n</Key>
      <Button
        label={trans.__('Connect…')}
        caption={caption}
        disabled={!free || !chosen}
        pressed={open === 'connect'}
        onClick={() => onOpen(open === 'connect' ? null : 'connect')}
      />
      <Key>e</Key>
      <Button
        label={trans.__('Remove')}
        caption={caption}
        disabled={!free || !chosen}
        onClick={onRemove}
      />
      <Key>Delete</Key>
    </div>
  );
}

interface IFormProps extends ICanvasProps {
  onClose: () => void;
}

/** A notebook, by its path; what it takes and makes is read from its code. */
function NewStep({ draft, text, notebooks, onStep, onClose }: IFormProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [notebook, setNotebook] = useState('');
  const found = useQuery(`notebooks beside ${draft.path}`, notebooks, { every: () => null });
  const folder = PathExt.dirname(draft.path);
  const add = async (): Promise<void> => {
    let name = '';
    const went = await text.change(async before => {
      const whole = PathExt.join(folder, notebook);
      const step = await stepOf(client.pipelines, whole, folder);
      const added = await withStep(client.pipelines, before, step);
      name = added.name;
      return added;
    });
    if (went) {
      onStep(name);
      onClose();
    }
  };
  return (
    <InlineForm label={trans.__('New step')} onSubmit={add} onClose={onClose}>
      <Field
        label={trans.__('notebook')}
        width={260}
        options={found.data?.map(path => ({ value: path, label: path }))}
        value={notebook}
        focus
        onChange={setNotebook}
      />
      <Button
        kind="primary"
        label={trans.__('Add Step')}
        disabled={!notebook.endsWith('.ipynb') || text.busy}
        submit
      />
    </InlineForm>
  );
}

/** A step takes what the chosen one makes. */
function Connect({
  draft,
  stale,
  text,
  from,
  onStep,
  onClose
}: IFormProps & { from: IStep }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const earlier = before(draft.graph, from.name);
  const others = draft.graph.filter(
    ({ name, after }) => name !== from.name && !after.includes(from.name) && !earlier.has(name)
  );
  const [picked, pick] = useState(others[0]?.name ?? '');
  const connect = async (): Promise<void> => {
    const to = others.find(({ name }) => name === picked);
    const folder = PathExt.dirname(draft.path);
    if (
      to &&
      (await text.change(before => connected(client.pipelines, before, from, to, folder)))
    ) {
      onStep(to.name);
      onClose();
    }
  };
  return (
    <InlineForm label={trans.__('Connect')} onSubmit={connect} onClose={onClose}>
      <Select
        label={trans.__('what %1 makes is taken by', from.name)}
        value={picked}
        focus
        options={others.map(({ name }) => ({ value: name, label: name }))}
        onChange={pick}
      />
      <Button
        kind="primary"
        label={trans.__('Connect')}
        disabled={!picked || stale || text.busy}
        submit
      />
    </InlineForm>
  );
}

/** What was dropped becomes steps, or inputs of a step. */
export function useDropped(
  text: IText,
  state: IDraftState,
  step: string | null,
  toProject: (path: string) => string | null
): (drop: { paths: readonly string[]; refs: readonly string[]; step: string | null }) => void {
  const { client, trans } = useWorkbench();
  return drop => {
    const draft = state.good ?? state.now;
    if (!draft || isStale(state)) {
      failed(
        state.now?.fault && !state.old
          ? trans.__('The text has a fault. Nothing was changed: correct it, then drop again.')
          : trans.__(
              'The graph is older than the text. Nothing was changed: wait a moment and drop it again.'
            ),
        trans
      );
      return;
    }
    const folder = PathExt.dirname(draft.path);
    const target = draft.graph.find(({ name }) => name === (drop.step ?? step));
    void (async () => {
      if (drop.refs.length && !target) {
        failed(trans.__('Drop it on the step that takes it, or choose that step first.'), trans);
      } else if (drop.refs.length && target) {
        const inputs = target.inputs.map(input => relative(input, folder));
        const more = drop.refs.filter(ref => !inputs.includes(ref));
        await text.change(before =>
          client.pipelines.edit(before, ['steps', target.name, 'in'], [...inputs, ...more])
        );
      }
      for (const path of drop.paths) {
        const notebook = toProject(path);
        if (notebook === null) {
          failed(trans.__('%1 lies outside the project.', path), trans);
          continue;
        }
        await text.change(async before =>
          withStep(client.pipelines, before, await stepOf(client.pipelines, notebook, folder))
        );
      }
    })();
  };
}
