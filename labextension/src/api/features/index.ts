import type { Request } from '../request';
import { type IOnlineClient, onlineClient } from './online';
import { type IViewsClient, viewsClient } from './views';

/** Feature views and online values. */
export interface IFeaturesClient extends IViewsClient, IOnlineClient {}

export const featuresClient = (request: Request): IFeaturesClient => ({
  ...viewsClient(request),
  ...onlineClient(request)
});
