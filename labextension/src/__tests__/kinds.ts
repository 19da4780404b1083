import { nullTranslator } from '@jupyterlab/translation';

import { catalogKinds } from '../catalog/kinds';
import { deploymentKinds } from '../deployments/kinds';
import { experimentKinds } from '../experiments/kinds';
import { featureKinds } from '../features/kinds';
import { jobKinds } from '../jobs/kinds';
import { kinds } from '../kinds';
import { modelKinds } from '../models/kinds';
import { monitoringKinds } from '../monitoring/kinds';
import { pipelineKinds } from '../pipelines/kinds';

const trans = nullTranslator.load('jupyter_mlinfra');

/** The kinds that the plugins add. */
export const allKinds = [
  catalogKinds,
  featureKinds,
  jobKinds,
  pipelineKinds,
  experimentKinds,
  modelKinds,
  deploymentKinds,
  monitoringKinds
].flatMap(kindsOf => kindsOf(trans));

/** Jest adds them before each file of tests, for those without plugins. */
export const added = allKinds.map(spec => kinds.add(spec));
