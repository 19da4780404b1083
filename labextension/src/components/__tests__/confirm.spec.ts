import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';

import { done, failed, inform } from '../confirm';

const trans = nullTranslator.load('x');
const kept = (): string[] => Notification.manager.notifications.map(({ message }) => message);

afterEach(() => Notification.dismiss());

describe('the notification centre', () => {
  it('keeps each failure, whatever is said after it', () => {
    failed('orders was not ingested', trans);
    failed('v8 did not start', trans);
    done('v7 answers', trans);
    expect(kept()).toEqual(['v7 answers', 'v8 did not start', 'orders was not ingested']);
  });

  it('keeps a failure once, that is said again', () => {
    failed('v8 did not start', trans);
    failed('v8 did not start', trans);
    expect(kept()).toEqual(['v8 did not start']);
  });
});

describe('what does not fit into a notification', () => {
  const long =
    'flights has version 3. ' +
    'It cannot be deployed: its file is neither UBJ nor JSON. '.repeat(4);
  const labels = (): string[] =>
    Notification.manager.notifications[0]?.options.actions?.map(({ label }) => label) ?? [];

  it('can be read in full, whether it went well or not', () => {
    inform(long, trans);
    expect(labels()).toEqual(['Details']);
    done(long, trans, { label: 'Undo', run: () => undefined });
    expect(labels()).toEqual(['Undo', 'Details']);
    done('v7 answers', trans);
    expect(labels()).toEqual([]);
  });
});
