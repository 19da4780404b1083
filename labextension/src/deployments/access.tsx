import '../../style/deployments.css';

import React from 'react';

import type { IDeployment } from '../api/types';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Pairs } from '../components/pairs';
import { useWorkbench } from '../hooks/context';

/** The protocols by the names of their addresses. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  seldon: 'Seldon v1, REST',
  v2: 'Open Inference Protocol (V2), REST',
  grpc: 'Open Inference Protocol (V2), gRPC'
};

/** Where a deployment listens, by protocol, and who reaches it there. */
export function Access({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { code, trans } = useWorkbench();
  const addresses = Object.entries(deployment.urls);
  const host = hostOf(deployment.url);
  return (
    <section>
      <Heading
        title={trans.__('Access')}
        note={addresses.length ? undefined : trans.__('it is down, and listens nowhere')}
      />
      <Pairs
        pairs={[
          ...addresses.map(
            ([name, url]) =>
              [
                PROTOCOLS[name] ?? name,
                <span key={name} className={cx('deployments-address')}>
                  <code>{url}</code>
                  <Button
                    kind="quiet"
                    icon="copy"
                    bare
                    label={trans.__('Copy the address for %1', PROTOCOLS[name] ?? name)}
                    onClick={() => code.copy(url)}
                  />
                </span>
              ] as const
          ),
          [
            trans.__('reached from'),
            host &&
              (isLoopback(host)
                ? trans.__('this machine only (%1)', host)
                : trans.__('whoever reaches %1', host))
          ],
          [trans.__('namespace'), deployment.namespace],
          [trans.__('target'), deployment.target]
        ]}
        empty={trans.__('It is down: mlinfra up starts it.')}
      />
    </section>
  );
}

/** The host of an address; empty while there is none. */
export function hostOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return '';
  }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
