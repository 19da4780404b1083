import '../../style/deployments.css';

import React from 'react';

import type { IDeployment, IDeploymentDetail } from '../api/types';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Pairs } from '../components/pairs';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import type { IWorkbench } from '../tokens';
import { Audit } from './audit';
import { Keys } from './keys';

/** The protocols by the names of their addresses. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  seldon: 'Seldon v1, REST',
  v2: 'Open Inference Protocol (V2), REST',
  grpc: 'Open Inference Protocol (V2), gRPC'
};

/** What an address is for. */
const nameOf = (address: string, trans: IWorkbench['trans']): string =>
  address === 'public'
    ? trans.__('%1, for other machines', PROTOCOLS.seldon)
    : (PROTOCOLS[address] ?? address);

/** Where a deployment listens, what it takes of callers, their keys, and who changed what. */
export function Access({ detail }: { detail: IDeploymentDetail }): React.ReactElement {
  return (
    <>
      <Addresses deployment={detail.deployment} />
      <Limits detail={detail} />
      <Keys deployment={detail.deployment} />
      <Audit deployment={detail.deployment} />
    </>
  );
}

/** By protocol, and from where they are reached. */
function Addresses({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { code, trans } = useWorkbench();
  const addresses = Object.entries(deployment.urls);
  return (
    <section>
      <Heading
        title={trans.__('Addresses')}
        note={addresses.length ? undefined : trans.__('it is down, and listens nowhere')}
      />
      <Pairs
        pairs={[
          ...addresses.map(
            ([name, url]) =>
              [
                nameOf(name, trans),
                <span key={name} className={cx('deployments-address')}>
                  <code>{url}</code>
                  <Button
                    kind="quiet"
                    icon="copy"
                    bare
                    label={trans.__('Copy the address for %1', nameOf(name, trans))}
                    onClick={() => code.copy(url)}
                  />
                </span>
              ] as const
          ),
          [trans.__('reached from'), reachedFrom(deployment, trans)],
          [trans.__('namespace'), deployment.namespace],
          [trans.__('target'), deployment.target]
        ]}
        empty={trans.__('It is down: mlinfra up starts it.')}
      />
    </section>
  );
}

/** What the settings let callers do, and how the address for other machines is. */
function Limits({
  detail: { limits, gateway }
}: {
  detail: IDeploymentDetail;
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <section>
      <Heading title={trans.__('Limits')} note={trans.__('by [deployments] of mlinfra.toml')} />
      <Pairs
        pairs={[
          [
            trans.__('key'),
            limits &&
              (limits.key_needed
                ? trans.__('needed, on this machine too')
                : trans.__('not needed on this machine'))
          ],
          [
            trans.__('rate'),
            limits &&
              (limits.rate
                ? trans.__(
                    '%1 requests a second, at each of the gateway’s two processes',
                    format.number(limits.rate)
                  )
                : trans.__('any'))
          ],
          [
            trans.__('largest request'),
            limits && trans.__('%1 MiB', format.number(limits.body_mib))
          ],
          [
            trans.__('connections'),
            limits &&
              trans.__(
                '%1 of other machines at once, at each of the gateway’s two processes',
                format.number(limits.connections)
              )
          ],
          [
            trans.__('other machines'),
            gateway?.public && (gateway.open ? trans.__('open') : trans.__('closed'))
          ],
          [trans.__('problem'), gateway?.problems.join(' ')]
        ]}
      />
    </section>
  );
}

/** Who can send a request, by the addresses; empty while there is none. */
function reachedFrom({ url, urls }: IDeployment, trans: IWorkbench['trans']): string {
  const host = hostOf(urls.public ?? '') || hostOf(url);
  if (!host) {
    return '';
  }
  return isLoopback(host)
    ? trans.__('this machine only (%1)', host)
    : trans.__('whoever reaches %1', host);
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
