import React from 'react';

import { Result } from '../../components/card';
import { cx } from '../../components/cx';
import { CodeDrawer } from '../../components/drawer';
import { PageTabs } from '../../components/pagetabs';
import { useWorkbench } from '../../hooks/context';
import { useQuery } from '../../hooks/query';
import { formatRef, labelOf } from '../../refs';
import type { IPageProps } from '../../tokens';
import { TABS } from '../tabs';
import { ViewFacts } from './facts';
import { ViewHead } from './head';

/** The page of a feature view. */
export default function ViewPage({ reference, name }: IPageProps): React.ReactElement {
  const { client } = useWorkbench();
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
            {detail.view.problem && (
              <p className={cx('more', 'tone-wait')}>
                {detail.view.problem} {detail.view.fix}
              </p>
            )}
            <PageTabs tabs={TABS} detail={detail} page={reference} first="features" />
            <CodeDrawer code={detail.code} />
          </>
        )}
      </Result>
    </>
  );
}
