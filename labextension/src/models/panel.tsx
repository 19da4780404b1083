import React from 'react';

import { Pinned } from '../components/shelf';
import { DeploymentsSection } from '../deployments/section';
import { useWorkbench } from '../hooks/context';
import { AlertsSection, MonitorsSection } from '../monitoring/section';
import { kinds } from '../kinds';
import { ModelsSection } from './section';

/** The Models panel: alerts first, then models, deployments and monitors. */
export default function ModelsPanel(): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <AlertsSection />
      <Pinned name="models:pinned" title={trans.__('Pinned')} kinds={kinds.of('models')} />
      <ModelsSection />
      <DeploymentsSection />
      <MonitorsSection />
    </>
  );
}
