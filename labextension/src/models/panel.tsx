import React from 'react';

import { Pinned } from '../components/shelf';
import { DeploymentsSection } from '../deployments/section';
import { useWorkbench } from '../hooks/context';
import { AlertsSection, MonitorsSection } from '../monitoring/section';
import { PANEL_KINDS } from '../refs';
import { ModelsSection } from './section';

/** The Models panel: alerts first, then models, deployments and monitors. */
export default function ModelsPanel(): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <AlertsSection />
      <Pinned name="models:pinned" title={trans.__('Pinned')} kinds={PANEL_KINDS.models} />
      <ModelsSection />
      <DeploymentsSection />
      <MonitorsSection />
    </>
  );
}
