import React from 'react';

import { DeploymentsSection } from '../deployments/section';
import { AlertsSection, MonitorsSection } from '../monitoring/section';
import { ModelsSection } from './section';

/** The Models panel: alerts first, then models, deployments and monitors. */
export default function ModelsPanel(): React.ReactElement {
  return (
    <>
      <AlertsSection />
      <ModelsSection />
      <DeploymentsSection />
      <MonitorsSection />
    </>
  );
}
