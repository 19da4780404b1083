import '../../style/deployments.css';

import React, { useState } from 'react';

import type { ICodeCall } from '../api/client';
import type { IDeployment, IDeploymentDetail } from '../api/types';
import { ActionButton } from '../components/action';
import { Age } from '../components/age';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { usePageVerb } from '../components/frame';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { RefLink } from '../components/reflink';
import { State } from '../components/state';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps } from '../tokens';
import { Access } from './access';
import { bodyText, parseBody, sampleBody } from './body';
import { canaryOf, type IPlanned } from './canary';
import { Comparisons } from './comparisons';
import { PageDrop } from './dropping';
import { Gates } from './gates';
import { History } from './history';
import { Latency } from './latency';
import { MadeKeys } from './made';
import { Manifest } from './manifest';
import { Monitors } from './monitors';
import { Plan } from './plan';
import { Requests, type RowKey } from './requests';
import { rate, staleSince } from './section';
import { modelOf } from './series';
import { type IEditedTraffic, Traffic } from './traffic';
import { TryIt } from './tryit';
import { undoings } from './undoing';
import { Verdict } from './verdict';
import { Versions } from './versions';
import { reached } from './weights';

const BUSY = ['building', 'starting', 'testing', 'draining'];

/** The page of a deployment. */
export default function DeploymentPage({ reference, name }: IPageProps): React.ReactElement {
  const { client } = useWorkbench();
  const [{ view, led }, setView] = useState({ view: 'traffic', led: 0 });
  /** Go to a tab, and into it. */
  const lead = (next: string): void => setView({ view: next, led: led + 1 });
  const query = useQuery(reference, signal => client.deployments.show(name, signal).then(planned), {
    topics: ['deployment'],
    about: reference,
    every: detail =>
      detail?.deployment.versions.some(version => BUSY.includes(version.state)) ? 2_000 : 5_000
  });
  const deployment = query.data?.deployment;
  return (
    <>
      <PageHeader
        icon="deployment"
        title={name}
        reference={reference}
        mark={deployment && <State state={deployment.state} tag />}
      >
        {deployment && <Verbs deployment={deployment} onTry={() => lead('try')} />}
        <InsertButton code={query.data?.code.python} primary={false} />
      </PageHeader>
      <MadeKeys deployment={reference} />
      <PageDrop name={name} />
      <Result query={query}>
        {detail => (
          <Deployment
            detail={detail}
            query={query}
            view={view}
            led={led}
            onView={next => setView({ view: next, led: 0 })}
            onLead={lead}
          />
        )}
      </Result>
    </>
  );
}

/** Commands read of the deployment whether it has a plan that they could hold. */
const planned = (detail: IDeploymentDetail): IDeploymentDetail & { deployment: IPlanned } => ({
  ...detail,
  deployment: { ...detail.deployment, plan: detail.plan }
});

function Verbs({
  deployment,
  onTry
}: {
  deployment: IDeployment;
  onTry: () => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const canary = canaryOf(deployment);
  return (
    <>
      <Button kind="primary" label={trans.__('Try It')} onClick={onTry} />
      <ActionButton
        command="mlinfra:deployments-promote"
        target={deployment}
        label={canary ? trans.__('Promote %1…', canary) : trans.__('Promote…')}
      />
      <ActionButton command="mlinfra:deployments-rollback" target={deployment} />
    </>
  );
}

interface IDeploymentProps {
  detail: IDeploymentDetail;
  query: IQuery<IDeploymentDetail>;
  view: string;
  /** How often a key or button led into the tab. */
  led: number;
  onView: (view: string) => void;
  onLead: (view: string) => void;
}

function Deployment({
  detail,
  query,
  view,
  led,
  onView,
  onLead
}: IDeploymentProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { deployment } = detail;
  const [traffic, setTraffic] = useState<IEditedTraffic | null>(null);
  const [body, setBody] = useState<string | null>(null);
  const [chosen, choose] = useState<RowKey | null>(null);
  const [logged, setLogged] = useState<unknown>(null);
  usePageVerb('mlinfra:deployments-traffic', () => onLead('traffic'));
  usePageVerb('mlinfra:deployments-try', () => onLead('try'));
  return (
    <>
      <DeploymentFacts detail={detail} />
      <Tabs
        tabs={[
          { name: 'traffic', label: trans.__('Traffic') },
          { name: 'try', label: trans.__('Try It') },
          { name: 'requests', label: trans.__('Requests') },
          { name: 'gates', label: trans.__('Tests') },
          { name: 'monitors', label: trans.__('Monitors') },
          { name: 'history', label: trans.__('History') },
          { name: 'manifest', label: trans.__('Manifest') },
          { name: 'access', label: trans.__('Access') }
        ]}
        current={view}
        led={led}
        onSelect={onView}
      >
        <div className={cx('scroll')}>
          {view === 'traffic' && (
            <>
              <Traffic deployment={deployment} query={query} onEdit={setTraffic} />
              {detail.plan && <Plan deployment={deployment} plan={detail.plan} />}
              <Verdict deployment={deployment} />
              <div className={cx('deployments-columns')}>
                <Gates deployment={deployment} brief />
                <Latency deployment={deployment} />
              </div>
              <Versions deployment={deployment} />
              <History deployment={deployment} most={6} />
            </>
          )}
          {view === 'try' && (
            <TryIt detail={detail} body={body ?? sampleBody(detail)} onBody={setBody} />
          )}
          {view === 'requests' && (
            <Requests
              deployment={deployment}
              chosen={chosen}
              onChoose={choose}
              onTry={value => {
                setBody(bodyText(value));
                onLead('try');
              }}
              onBody={setLogged}
            />
          )}
          {view === 'gates' && (
            <>
              <Gates deployment={deployment} />
              <Comparisons detail={detail} />
            </>
          )}
          {view === 'monitors' && <Monitors deployment={deployment} />}
          {view === 'history' && <History deployment={deployment} />}
          {view === 'manifest' && <Manifest deployment={deployment} />}
          {view === 'access' && <Access detail={detail} />}
        </div>
      </Tabs>
      <CallCode
        page={detail.code}
        {...callOf({
          detail,
          traffic: view === 'traffic' ? traffic : null,
          body: view === 'try' ? body : null,
          logged: view === 'requests' ? logged : null
        })}
      />
    </>
  );
}

interface ICodeProps {
  detail: IDeploymentDetail;
  traffic: IEditedTraffic | null;
  body: string | null;
  /** The body of the logged request that is open. */
  logged: unknown;
}

/** The call of what stands in the fields of the open tab; null while they are untouched. */
function callOf({ detail, traffic, body, logged }: ICodeProps): {
  call: ICodeCall | null;
  faulty?: boolean;
} {
  const { name } = detail.deployment;
  if (traffic) {
    const { shares, whole } = traffic;
    return { call: { call: 'deployments-traffic', values: { name, shares } }, faulty: !whole };
  }
  if (logged !== null) {
    return { call: { call: 'deployments-predict', values: { name, body: logged } } };
  }
  if (body === null || body === sampleBody(detail)) {
    return { call: null };
  }
  const read = parseBody(body);
  return 'value' in read
    ? { call: { call: 'deployments-predict', values: { name, body: read.value } } }
    : { call: null, faulty: true };
}

/** What carries the versions that have processes; of all versions while none has. */
function runtimes({ versions }: IDeployment): string {
  const running = versions.filter(version => version.workers > 0);
  const names = (running.length ? running : versions).map(version => version.runtime);
  return [...new Set(names)].join(', ');
}

/** A parameter of the signature with its default. */
const defaultOf = ({ name, default: value }: IDeploymentDetail['params'][number]): string =>
  `${String(name)}=${JSON.stringify(value)}`;

function DeploymentFacts({ detail }: { detail: IDeploymentDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { deployment, signature, answers, params } = detail;
  const perSecond = rate(deployment);
  const stale = staleSince(deployment);
  const undo = undoings(detail.history, deployment.versions).find(({ weights }) => weights);
  return (
    <Facts>
      <>{trans.__('%1, %2 behind Envoy', deployment.target, runtimes(deployment))}</>
      <>
        {trans.__('model')}{' '}
        {[...new Set(deployment.versions.map(modelOf))].map((model, place) => (
          <React.Fragment key={model}>
            {place > 0 && ', '}
            <RefLink reference={formatRef('model', model)} />
          </React.Fragment>
        ))}
      </>
      <span
        title={[
          trans.__('Created %1', format.time(deployment.created_at)),
          detail.up_since &&
            trans.__('Its oldest process began at %1', format.time(detail.up_since))
        ]
          .filter(Boolean)
          .join('\n')}
      >
        {detail.up_since
          ? trans.__('up %1', format.span(format.secondsSince(detail.up_since)))
          : trans.__('created %1 ago', format.span(format.secondsSince(deployment.created_at)))}
      </span>
      {stale && <Age at={stale} limit={0} />}
      {perSecond && (
        <Num
          value={perSecond}
          format={value => format.number(value, 3)}
          strong
          unit={trans.__('req/s')}
        />
      )}
      {signature.length > 0 && (
        <State state="passed">
          {trans._n('signature with %1 input', 'signature with %1 inputs', signature.length)}
        </State>
      )}
      {answers && <>{trans.__('answers %1', answers)}</>}
      {params.length > 0 && <>{trans.__('parameters %1', params.map(defaultOf).join(', '))}</>}
      {undo?.weights && <>{trans.__('undo reaches %1', reached(undo.weights))}</>}
    </Facts>
  );
}
