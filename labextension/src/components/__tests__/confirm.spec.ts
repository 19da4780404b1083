import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';

import { done, failed } from '../confirm';

const trans = nullTranslator.load('x');
const kept = (): string[] => Notification.manager.notifications.map(({ message }) => message);

afterEach(() => Notification.dismiss());

describe('the notification centre', () => {
  it('keeps each failure, whatever is said after it', () => {
    failed('orders was not ingested', trans);
    failed('v8 did not start', trans);
    done('v7 answers');
    expect(kept()).toEqual(['v7 answers', 'v8 did not start', 'orders was not ingested']);
  });

  it('keeps a failure once, that is said again', () => {
    failed('v8 did not start', trans);
    failed('v8 did not start', trans);
    expect(kept()).toEqual(['v8 did not start']);
  });
});
