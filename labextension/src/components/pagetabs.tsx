import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { useWorkbench } from '../hooks/context';
import { useMemory } from '../hooks/memory';
import { type IGoal, useGoal } from '../hooks/page';
import { usePageVerb } from './frame';
import { Tabs } from './header';

/** What a tab is drawn for. */
export interface ITabState {
  /** The key that led to the tab from another one: its work is done as soon as the tab is drawn. */
  readonly asked: string | null;
  /** A row to go to. */
  readonly goal?: IGoal;
  /** The object that the page was asked for: it is marked. */
  readonly current?: string;
}

/** A tab of a page: one line of the page's table. */
export interface ITabSpec<Detail> {
  readonly name: string;
  readonly label: (trans: TranslationBundle) => string;
  readonly draw: (detail: Detail, state: ITabState) => React.ReactElement;
  /** Whether this object has it; else all have. */
  readonly when?: (detail: Detail) => boolean;
  /**
   * The commands of the page that are done in it, by their keys; from elsewhere a key leads to the
   * first tab that has it.
   */
  readonly keys?: Readonly<Record<string, string>>;
  /** The kind of the parts of the object that are rows of it: asked for, they are shown there. */
  readonly part?: string;
}

interface IPageTabsProps<Detail> {
  tabs: readonly ITabSpec<Detail>[];
  detail: Detail;
  /** The reference of the page, under which is kept which tab is open. */
  page: string;
  /** The tab that is open at first. */
  first: string;
  note?: string;
}

/**
 * The tabs of a page. A page that is asked for by a part of its object shows the tab of such parts
 * until its user turns to another one.
 */
export function PageTabs<Detail>({
  tabs,
  detail,
  page,
  first,
  note
}: IPageTabsProps<Detail>): React.ReactElement {
  const { trans } = useWorkbench();
  const [kept, keep] = useMemory(`view:${page}`, first);
  const [asked, ask] = useState<string | null>(null);
  const part = tabs.find(tab => tab.part !== undefined);
  const goal = useGoal(part?.part ?? '');
  const [left, leave] = useState<IGoal>();
  const going = goal !== undefined && left?.turn !== goal.turn;
  const shown = tabs.filter(({ when }) => !when || when(detail));
  const name = going ? part?.name : kept;
  const current = shown.find(tab => tab.name === name) ?? shown.find(tab => tab.name === first);
  const go = (tab: string, key: string | null): void => {
    leave(goal);
    keep(tab);
    ask(key);
  };
  return (
    <>
      {shown.flatMap(tab =>
        Object.entries(tab.keys ?? {})
          .filter(([, command]) => shown.find(other => isDoneIn(other, command)) === tab)
          .map(([key, command]) => (
            <TabKey
              key={command}
              command={command}
              go={() => go(tab.name, key)}
              when={!isDoneIn(current, command)}
            />
          ))
      )}
      <Tabs
        tabs={shown.map(tab => ({ name: tab.name, label: tab.label(trans) }))}
        current={current?.name ?? first}
        onSelect={tab => go(tab, null)}
        note={note}
      >
        {/* What is kept is drawn before what was asked for: the tab begins anew with the latter. */}
        <React.Fragment key={asked}>
          {current?.draw(detail, { asked, goal: going ? goal : undefined, current: goal?.id })}
        </React.Fragment>
      </Tabs>
    </>
  );
}

const isDoneIn = <Detail,>(tab: ITabSpec<Detail> | undefined, command: string): boolean =>
  Object.values(tab?.keys ?? {}).includes(command);

/** A command that leads to a tab, while another one is open. */
function TabKey({
  command,
  go,
  when
}: {
  command: string;
  go: () => void;
  when: boolean;
}): React.ReactNode {
  usePageVerb(command, go, when);
  return null;
}
