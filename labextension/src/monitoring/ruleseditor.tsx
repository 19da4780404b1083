import '../../style/monitoring.css';

import { PathExt } from '@jupyterlab/coreutils';
import React, { useCallback, useEffect, useState } from 'react';

import { asApiError, type ApiError } from '../api/errors';
import type { IRuleDraft } from '../api/types';
import { Button } from '../components/button';
import { EmptyCard, ErrorCard, Loading } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { Heading, PageHeader } from '../components/header';
import { State } from '../components/state';
import { useWorkbench } from '../hooks/context';
import type { IEditorProps } from '../pipelines/document';
import { useText } from '../pipelines/draft';
import { Opened } from '../pipelines/opened';
import { TextEditor } from '../pipelines/text';
import { Backtest, backtestCall, DAYS } from './backtest';
import { FaultLines, Faults } from './faults';
import { RuleForms } from './ruleform';

const REST = 250;

interface IDraftState {
  draft: IRuleDraft | null;
  error: ApiError | null;
  /** Whether it answers another text than the one that there is by now. */
  old: boolean;
}

/** What a text says, asked whenever the typing rests. */
function useRuleDraft(path: string | null, text: string): IDraftState {
  const { client } = useWorkbench();
  const [state, setState] = useState<{
    draft: IRuleDraft | null;
    error: ApiError | null;
    of: string | null;
  }>({ draft: null, error: null, of: null });
  useEffect(() => {
    if (path === null) {
      return;
    }
    const request = new AbortController();
    const timer = setTimeout(() => {
      client.monitoring.draftRules(path, text, request.signal).then(
        draft => setState({ draft, error: null, of: text }),
        (thrown: unknown) => {
          if (!request.signal.aborted) {
            setState(before => ({ ...before, error: asApiError(thrown) }));
          }
        }
      );
    }, REST);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [client, path, text]);
  return { draft: state.draft, error: state.error, old: state.of !== text };
}

/** The editor of a rule file: the text is the truth, the form is read from it and changes it. */
export default function RulesEditor(props: IEditorProps): React.ReactElement {
  const { context, contents } = props;
  return (
    <Opened context={context}>
      {inside => <Open {...props} path={inside(contents.localPath(context.path))} />}
    </Opened>
  );
}

function Open({
  context,
  services,
  path
}: IEditorProps & { path: string | null }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const text = useText(context);
  const { draft, error, old } = useRuleDraft(path, text.text);
  const [goTo, setGoTo] = useState<number | null>(null);
  const there = useCallback(() => setGoTo(null), []);
  const [days, setDays] = useState(DAYS);
  if (path === null) {
    return (
      <EmptyCard
        sentence={trans.__(
          'This file lies outside the project, so its rules are not used. Open it with the text editor.'
        )}
      />
    );
  }
  const faults = draft?.faults ?? [];
  return (
    <>
      <PageHeader
        icon="monitor"
        title={PathExt.basename(context.path)}
        reference=""
        mark={<Armed faults={faults.length} dirty={text.dirty} old={old} />}
      >
        <Button
          kind="primary"
          label={trans.__('Save and Arm')}
          caption={
            faults.length
              ? trans.__('A file with a fault is not used: mend it first.')
              : trans.__('Its rules are in force from the next evaluation on.')
          }
          disabled={!text.dirty || faults.length > 0 || old}
          onClick={() => void context.save()}
        />
      </PageHeader>
      {error && <ErrorCard error={error} />}
      <div className={cx('monitoring-rules')}>
        <div className={cx('monitoring-rules-form')}>
          {draft ? (
            <RuleForms draft={draft} old={old} text={text} onLine={setGoTo} />
          ) : (
            <Loading rows={6} />
          )}
          <Backtest
            days={days}
            onDays={setDays}
            of={text.text}
            blocked={
              faults.length || !draft?.rules.length ? trans.__('The text has a fault.') : null
            }
            ask={days => client.monitoring.backtest({ path, text: text.text, days })}
          />
        </div>
        <div className={cx('monitoring-rules-text')}>
          <Heading
            title={trans.__('Text')}
            note={old ? trans.__('reading…') : trans.__('form and text in step')}
          />
          <Faults faults={faults} onLine={setGoTo} />
          <FaultLines faults={old ? [] : faults}>
            <TextEditor context={context} services={services} goTo={goTo} onThere={there} />
          </FaultLines>
        </div>
      </div>
      <CallCode page={{}} {...backtestCall(path, days)} />
    </>
  );
}

/** Whether the rules of a file are in force. */
function Armed({
  faults,
  dirty,
  old
}: {
  faults: number;
  dirty: boolean;
  old: boolean;
}): React.ReactElement {
  const { trans } = useWorkbench();
  if (faults) {
    return (
      <State state="failed" tag>
        {trans._n('%1 fault, not in force', '%1 faults, not in force', faults)}
      </State>
    );
  }
  if (dirty) {
    return (
      <State state="pending" tag>
        {trans.__('not saved, not in force')}
      </State>
    );
  }
  return old ? (
    <State state="waiting" tag />
  ) : (
    <State state="ok" tag>
      {trans.__('armed')}
    </State>
  );
}
