import React, { useState } from 'react';

import type { ICodeCall } from '../../api/client';
import type { IView } from '../../api/types';
import { RevealBar } from '../../catalog/page/reveal';
import { RevealedContext } from '../../catalog/page/revealed';
import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { CallCode } from '../../components/drawer';
import { PageTabs } from '../../components/pagetabs';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { formatRef, labelOf } from '../../refs';
import type { IPageProps } from '../../tokens';
import { useStatistics } from '../features';
import { deprecatedWords } from '../fresh';
import { CodesContext, LookUpContext } from '../lookedup';
import { TABS } from '../tabs';
import { ViewFacts } from './facts';
import { ViewHead } from './head';

/** The page of a feature view. */
export default function ViewPage({ reference, name }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [revealed, reveal] = useState(false);
  const [lookedUp, lookUp] = useState<ICodeCall | null>(null);
  const [coded, showCodes] = useState(false);
  const query = useQuery(reference, signal => client.features.show(labelOf(reference), signal), {
    topics: ['view'],
    about: formatRef('view', name)
  });
  return (
    <>
      <ViewHead
        reference={reference}
        name={name}
        detail={query.data}
        onRefresh={() => void query.refresh()}
      />
      <Result query={query}>
        {detail => (
          <>
            <ViewFacts detail={detail} />
            {detail.view.deprecated !== null && (
              <p className={cx('more', 'tone-wait')}>{deprecatedWords(detail.view, trans)}</p>
            )}
            {detail.view.problem && (
              <p className={cx('more', 'tone-wait')}>
                {detail.view.problem} {detail.view.fix}
              </p>
            )}
            <Masked view={detail.view} revealed={revealed} onReveal={reveal} />
            <RevealedContext.Provider value={revealed}>
              <LookUpContext.Provider value={lookUp}>
                <CodesContext.Provider value={showCodes}>
                  <PageTabs tabs={TABS} detail={detail} page={reference} first="features" />
                </CodesContext.Provider>
              </LookUpContext.Provider>
            </RevealedContext.Provider>
            {!coded && <CallCode call={lookedUp} page={detail.code} />}
          </>
        )}
      </Result>
    </>
  );
}

interface IMaskedProps {
  view: IView;
  revealed: boolean;
  onReveal: (revealed: boolean) => void;
}

/** Which features are masked, and the way to their values. */
function Masked({ view, ...revealing }: IMaskedProps): React.ReactElement {
  const names = useStatistics(view).data?.masked ?? [];
  return <RevealBar name={view.name} names={names} {...revealing} />;
}
