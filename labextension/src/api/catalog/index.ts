import type { Request } from '../request';
import { accessClient, type IAccessClient } from './access';
import { careClient, type ICareClient } from './care';
import { datasetsClient, type IDatasetsClient } from './datasets';
import { gridClient, type IGridClient } from './grid';
import { type IIngestClient, ingestClient } from './ingest';
import { type ILabelsClient, labelsClient } from './labels';
import { type IQualityClient, qualityClient } from './quality';
import { type ITimeClient, timeClient } from './time';

/** Datasets, as the panels ask for them. */
export interface ICatalogClient
  extends
    IAccessClient,
    ICareClient,
    IDatasetsClient,
    IGridClient,
    IIngestClient,
    ILabelsClient,
    IQualityClient,
    ITimeClient {}

export const catalogClient = (request: Request): ICatalogClient => ({
  ...accessClient(request),
  ...careClient(request),
  ...datasetsClient(request),
  ...gridClient(request),
  ...ingestClient(request),
  ...labelsClient(request),
  ...qualityClient(request),
  ...timeClient(request)
});
