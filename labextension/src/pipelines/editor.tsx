import '../../style/pipelines.css';

import { PathExt } from '@jupyterlab/coreutils';
import React, { useCallback, useEffect, useRef, useState } from 'react';

import type { IFault, IPipelineDetail } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, ErrorCard, Loading, prose, WaitingCard } from '../components/card';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { PageHeader, Tabs } from '../components/header';
import { State } from '../components/state';
import { Tag } from '../components/tag';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import {
  type IPipelineActions,
  PipelineButtons,
  PipelineForms,
  usePipelineActions
} from './actions';
import { Canvas, useDropped } from './canvas';
import { reread } from './changes';
import type { IDrop, IEditorProps } from './document';
import {
  type IDraftState,
  type IText,
  isStale,
  useChangedOnDisk,
  useDraft,
  useText
} from './draft';
import { Opened } from './opened';
import { RunsView } from './runs';
import { TextEditor } from './text';

type TabName = 'graph' | 'text' | 'runs';

/**
 * The editor of a pipeline file: the text is the truth, the graph is drawn of it and changes it.
 */
export default function Editor(props: IEditorProps): React.ReactElement {
  return (
    <Opened context={props.context}>{inside => <Open {...props} toProject={inside} />}</Opened>
  );
}

interface IOpenProps extends IEditorProps {
  /** A path of the file browser below the project; null outside of it. */
  toProject: (path: string) => string | null;
}

function Open({
  context,
  services,
  contents,
  onDrop,
  toProject: inside
}: IOpenProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [tab, setTab] = useState<TabName>('graph');
  const [step, setStep] = useState<string | null>(null);
  const [goTo, setGoTo] = useState<number | null>(null);
  const there = useCallback(() => setGoTo(null), []);
  const text = useText(context);
  const path = inside(contents.localPath(context.path));
  const draft = useDraft(path, text.text);
  const { good } = draft;
  const detail = useQuery<IPipelineDetail>(
    `file ${context.path}`,
    signal => client.pipelines.show(path ?? '', signal),
    { topics: ['step'], when: path !== null && good !== null && !text.dirty }
  );
  const actions = usePipelineActions(good?.name ?? '', detail.data, detail.refresh, () =>
    saved(context)
  );
  useSaved(text.dirty, detail.refresh);
  const notebooks = useCallback(() => notebooksBeside(contents, context.path), [contents, context]);
  useDrops(onDrop, useDropped(text, draft, step, inside));
  if (path === null) {
    return (
      <EmptyCard
        sentence={trans.__(
          'This file lies outside the project, so nothing can run it. Open it with the text editor.'
        )}
      />
    );
  }
  const fault = draft.now?.fault && (
    <Fault
      fault={draft.now.fault}
      onLine={line => {
        setTab('text');
        setGoTo(line);
      }}
    />
  );
  return (
    <>
      <Head
        name={good?.name ?? PathExt.basename(path, '.mlpipeline.yaml')}
        detail={draft.now?.fault ? undefined : detail.data}
        actions={actions}
        context={context}
        dirty={text.dirty}
      />
      <PipelineForms detail={detail.data} actions={actions} />
      <OnDisk context={context} contents={contents} dirty={text.dirty} />
      <Tabs
        current={tab}
        onSelect={name => setTab(name as TabName)}
        tabs={[
          { name: 'graph', label: trans.__('Graph') },
          { name: 'text', label: trans.__('Text') },
          { name: 'runs', label: trans.__('Runs') }
        ]}
        note={<InStep draft={draft} />}
      >
        {tab !== 'text' && fault}
        {draft.error && !draft.error.lost && <ErrorCard error={draft.error} />}
        {tab === 'text' && (
          <TextEditor context={context} services={services} goTo={goTo} onThere={there} />
        )}
        {tab === 'text' && fault /* below: what is typed stays where it is */}
        {tab !== 'text' && (
          <div className={cx('scroll', 'split')}>
            {tab === 'graph' && (
              <GraphTab
                draft={draft}
                text={text}
                actions={actions}
                step={step}
                onStep={setStep}
                notebooks={notebooks}
              />
            )}
            <Runs detail={detail} actions={actions} step={step} onStep={setStep} />
          </div>
        )}
      </Tabs>
      {detail.data && <CodeDrawer code={detail.data.code} />}
    </>
  );
}

/** Save what is not saved; says whether the file is what the editor shows. */
async function saved(context: IEditorProps['context']): Promise<boolean> {
  if (context.model.dirty) {
    await context.save();
  }
  return !context.model.dirty;
}

/** Notebooks in the folder of a file, by their names. */
async function notebooksBeside(
  contents: IEditorProps['contents'],
  path: string
): Promise<readonly string[]> {
  const { content } = (await contents.get(PathExt.dirname(path))) as {
    content: { name: string; type: string }[];
  };
  return content.filter(({ type }) => type === 'notebook').map(({ name }) => name);
}

/** Ask again once the file has been saved, or read again. */
function useSaved(dirty: boolean, refresh: () => Promise<void>): void {
  useEffect(() => {
    if (!dirty) {
      void refresh();
    }
  }, [dirty, refresh]);
}

/** Call `dropped`, as of the last drawing, at each drop. */
function useDrops(onDrop: IEditorProps['onDrop'], dropped: (drop: IDrop) => void): void {
  const latest = useRef(dropped);
  useEffect(() => {
    latest.current = dropped;
  });
  useEffect(() => onDrop(drop => latest.current(drop)), [onDrop]);
}

interface IHeadProps {
  name: string;
  detail: IPipelineDetail | undefined;
  actions: IPipelineActions;
  context: IEditorProps['context'];
  dirty: boolean;
}

function Head({ name, detail, actions, context, dirty }: IHeadProps): React.ReactElement {
  const { trans } = useWorkbench();
  const mark = (
    <>
      {actions.last && <State state={actions.last.state} tag />}
      {dirty && <Tag>{trans.__('not saved')}</Tag>}
    </>
  );
  return (
    <PageHeader
      icon="pipeline"
      title={PathExt.basename(context.path)}
      reference={formatRef('pipeline', name)}
      mark={mark}
    >
      <PipelineButtons detail={detail} actions={actions} />
      <Button label={trans.__('Save')} disabled={!dirty} onClick={() => void context.save()} />
    </PageHeader>
  );
}

interface IGraphTabProps {
  draft: IDraftState;
  text: IText;
  actions: IPipelineActions;
  step: string | null;
  onStep: (step: string | null) => void;
  notebooks: () => Promise<readonly string[]>;
}

/** The graph of the last valid text. */
function GraphTab({ draft, text, actions, ...rest }: IGraphTabProps): React.ReactElement {
  const shown = draft.good ?? draft.now;
  if (!shown) {
    return <Loading rows={4} />;
  }
  return <Canvas draft={shown} stale={isStale(draft)} text={text} run={actions.last} {...rest} />;
}

interface IRunsTabProps {
  detail: IQuery<IPipelineDetail>;
  actions: IPipelineActions;
  step: string | null;
  onStep: (step: string) => void;
}

function Runs({ detail, actions, step, onStep }: IRunsTabProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!detail.data) {
    return <p className={cx('more')}>{trans.__('Save it, then it can run.')}</p>;
  }
  return <RunsView detail={detail.data} actions={actions} step={step} onStep={onStep} />;
}

function InStep({ draft: { now, good, old } }: { draft: IDraftState }): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!now || old) {
    return null;
  }
  return now.fault ? (
    <State state="failed">
      {good ? trans.__('graph of the last valid text') : trans.__('no graph yet')}
    </State>
  ) : (
    <State state="ok">{trans.__('graph and text in step')}</State>
  );
}

/** What is wrong with the text, with its line. */
function Fault({
  fault,
  onLine
}: {
  fault: IFault;
  onLine: (line: number) => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { line, what, why, fix } = fault;
  return (
    <div className={cx('pipelines-fault')} role="alert">
      <State state="failed">{line === null ? what : trans.__('line %1: %2', line, what)}</State>
      {why && <span className={cx('quiet')}>{prose(why)}</span>}
      {fix && <span>{prose(fix)}</span>}
      {line !== null && (
        <Button label={trans.__('Go to Line %1', line)} onClick={() => onLine(line)} />
      )}
    </div>
  );
}

type IOnDiskProps = Pick<IEditorProps, 'context' | 'contents'> & { dirty: boolean };

/** The file has been changed by someone else: read it again, or write over it. */
function OnDisk({ context, contents, dirty }: IOnDiskProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  const modified = useCallback(
    async (path: string) => (await contents.get(path, { content: false })).last_modified,
    [contents]
  );
  const { changed, look } = useChangedOnDisk(context, modified);
  const { run, busy } = useAction();
  // when the file was written whose text met the own one
  const [met, setMet] = useState<string | undefined>('');
  const read = useCallback(
    () =>
      void run(async () => {
        setMet((await reread(context)) ? '' : context.contentsModel?.last_modified);
        look();
      }),
    [context, look, run]
  );
  useEffect(() => {
    if (changed && !dirty) {
      read(); // nothing is lost: what is typed until it comes stays
    }
  }, [changed, dirty, read]);
  if (!dirty || !(changed || met === context.contentsModel?.last_modified)) {
    return null;
  }
  return (
    <WaitingCard
      title={trans.__('The file has changed on disk')}
      reason={trans.__(
        'Someone else has saved it since you opened it, and you have changes of your own.'
      )}
      actions={[
        { label: trans.__('Reload'), disabled: busy, onClick: read },
        {
          label: trans.__('Overwrite'),
          caption: trans.__('Save your text in place of it'),
          onClick: () => void context.save().then(look)
        }
      ]}
    />
  );
}
