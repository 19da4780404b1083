import type { Event } from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

export const TOPICS = [
  'job',
  'step',
  'deployment',
  'monitor',
  'alert',
  'dataset',
  'view',
  'run',
  'model',
  'schedule'
] as const;

export type Topic = (typeof TOPICS)[number];

/** Something that was committed. ref: the reference of the object. */
export interface IChangeEvent {
  topic: Topic;
  ref: string;
  data: Readonly<Record<string, unknown>>;
}

/** What changed in the project, as it happens. */
export interface IEvents {
  /** Call `listener` with events of some topics until the answer is disposed. */
  listen: (topics: readonly Topic[], listener: (event: IChangeEvent) => void) => IDisposable;
  /** Announce at once what this browser has changed; the server's own event comes later. */
  tell: (event: IChangeEvent) => void;
}

const SCHEMA = /^https:\/\/schema\.jupyter-mlinfra\.org\/([a-z]+)\/v\d+$/;

/** One of our events, or null when an emission on Jupyter's bus is of another kind. */
export function readEvent(emission: Event.Emission): IChangeEvent | null {
  const topic = SCHEMA.exec(emission.schema_id)?.[1];
  if (!topic || typeof emission.ref !== 'string') {
    return null;
  }
  const data = emission.data;
  return {
    topic: topic as Topic,
    ref: emission.ref,
    data:
      typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {}
  };
}

/**
 * Our events on Jupyter's own bus; the socket is JupyterLab's, so listening costs no connection.
 */
export function createEvents(manager: Event.IManager): IEvents {
  const listeners = new Set<(event: IChangeEvent) => void>();
  return {
    listen(topics, listener) {
      const filteredListener = (event: IChangeEvent): void => {
        if (topics.includes(event.topic)) {
          listener(event);
        }
      };
      const slot = (_: Event.IManager, emission: Event.Emission): void => {
        const event = readEvent(emission);
        if (event) {
          filteredListener(event);
        }
      };
      manager.stream.connect(slot);
      listeners.add(filteredListener);
      return new DisposableDelegate(() => {
        manager.stream.disconnect(slot);
        listeners.delete(filteredListener);
      });
    },
    tell: event => [...listeners].forEach(listener => listener(event))
  };
}
