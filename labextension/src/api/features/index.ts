import type { Request } from '../request';
import { type IKnowingClient, knowingClient } from './knowing';
import { type IOnlineClient, onlineClient } from './online';
import { type IViewsClient, viewsClient } from './views';

/** Feature views, what is known of them, and online values. */
export interface IFeaturesClient extends IViewsClient, IKnowingClient, IOnlineClient {}

export const featuresClient = (request: Request): IFeaturesClient => ({
  ...viewsClient(request),
  ...knowingClient(request),
  ...onlineClient(request)
});
