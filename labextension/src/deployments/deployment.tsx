import React, { useState } from 'react';

import type { Code, IDeployment, IDeploymentDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { confirm, done } from '../components/confirm';
import { cx } from '../components/cx';
import { CodeDrawer } from '../components/drawer';
import { usePageKey } from '../components/frame';
import { Facts, InsertButton, PageHeader, Tabs } from '../components/header';
import { Num } from '../components/number';
import { State } from '../components/state';
import * as format from '../format';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { type IQuery, useQuery } from '../hooks/query';
import type { IPageProps } from '../tokens';
import { requestCode, trafficCode } from './code';
import { Gates } from './gates';
import { History } from './history';
import { useRollback } from './rollback';
import { rate } from './section';
import { type IEditedTraffic, Traffic } from './traffic';
import { parseBody, sampleBody, TryIt } from './tryit';

const BUSY = ['building', 'starting', 'testing', 'draining'];

/** The page of a deployment. */
export default function DeploymentPage({ reference, name }: IPageProps): React.ReactElement {
  const { client } = useWorkbench();
  const [{ view, led }, setView] = useState({ view: 'traffic', led: 0 });
  /** Go to a tab, and into it. */
  const lead = (next: string): void => setView({ view: next, led: led + 1 });
  const query = useQuery(reference, signal => client.deployments.show(name, signal), {
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
        {deployment && <Verbs deployment={deployment} query={query} onTry={() => lead('try')} />}
        <InsertButton code={query.data?.code.python} primary={false} />
      </PageHeader>
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

interface IVerbsProps {
  deployment: IDeployment;
  query: IQuery<IDeploymentDetail>;
  onTry: () => void;
}

/** The canary: the version that answers a part and is not the stable one. */
const canaryOf = ({ versions }: IDeployment): string | undefined =>
  versions.find(version => version.role === 'canary')?.version;

function Verbs({ deployment, query, onTry }: IVerbsProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { run, busy } = useAction();
  const { rollback, busy: rolling } = useRollback(query);
  const canary = canaryOf(deployment);
  const promote = async (version: string): Promise<void> => {
    const sure = await confirm({
      title: trans.__('Promote %1?', version),
      body: trans.__(
        '%1 takes all traffic of %2 and becomes its stable version. Roll back takes it away again. The model’s champion alias does not move: that is promoted on the model’s page.',
        version,
        deployment.name
      ),
      action: trans.__('Promote'),
      trans
    });
    if (sure && (await run(() => client.deployments.promote(deployment.name, version)))) {
      done(trans.__('%1 now answers all requests to %2.', version, deployment.name), trans);
      await query.refresh();
    }
  };
  return (
    <>
      <Button kind="primary" label={trans.__('Try It')} onClick={onTry} />
      <Button
        label={canary ? trans.__('Promote %1…', canary) : trans.__('Promote…')}
        caption={
          canary
            ? trans.__('Give the canary all traffic')
            : trans.__('There is no canary to promote')
        }
        disabled={busy || !canary}
        onClick={() => canary && void promote(canary)}
      />
      <Button
        icon="undo"
        label={trans.__('Roll Back')}
        caption={trans.__('To the last healthy traffic, at once')}
        disabled={busy || rolling}
        onClick={rollback}
      />
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
  usePageKey('t', trans.__('traffic'), () => onLead('traffic'));
  usePageKey('y', trans.__('try it'), () => onLead('try'));
  return (
    <>
      <DeploymentFacts detail={detail} />
      <Tabs
        tabs={[
          { name: 'traffic', label: trans.__('Traffic') },
          { name: 'try', label: trans.__('Try It') },
          { name: 'gates', label: trans.__('Tests') },
          { name: 'history', label: trans.__('History') }
        ]}
        current={view}
        led={led}
        onSelect={onView}
      >
        <div className={cx('scroll')}>
          {view === 'traffic' && (
            <>
              <Traffic deployment={deployment} query={query} onEdit={setTraffic} />
              <Gates deployment={deployment} />
              <History detail={detail} query={query} most={6} />
            </>
          )}
          {view === 'try' && (
            <TryIt detail={detail} body={body ?? sampleBody(detail)} onBody={setBody} />
          )}
          {view === 'gates' && <Gates deployment={deployment} />}
          {view === 'history' && <History detail={detail} query={query} />}
        </div>
      </Tabs>
      <CodeDrawer
        {...codeOf(detail, view === 'traffic' ? traffic : null, view === 'try' ? body : null)}
      />
    </>
  );
}

/** The code of what stands in the fields of the open tab; untouched, that of the deployment. */
function codeOf(
  detail: IDeploymentDetail,
  traffic: IEditedTraffic | null,
  body: string | null
): { code: Code; faulty?: boolean } {
  const { deployment } = detail;
  if (traffic) {
    return { code: trafficCode(deployment.name, traffic.shares), faulty: !traffic.whole };
  }
  if (body !== null && body !== sampleBody(detail)) {
    const read = parseBody(body);
    return 'value' in read
      ? { code: requestCode(deployment, read.value, detail.code.curl ?? '') }
      : { code: detail.code, faulty: true };
  }
  return { code: detail.code };
}

function DeploymentFacts({ detail }: { detail: IDeploymentDetail }): React.ReactElement {
  const { trans, code } = useWorkbench();
  const { deployment, signature, answers } = detail;
  const perSecond = rate(deployment);
  return (
    <Facts>
      <>{trans.__('%1, Seldon runtime behind Envoy', deployment.target)}</>
      <>{trans.__('created %1 ago', format.span(format.secondsSince(deployment.created_at)))}</>
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
      <button
        type="button"
        className={cx('ref')}
        title={trans.__('Copy the URL')}
        onClick={() => code.copy(deployment.url)}
      >
        {deployment.url}
      </button>
    </Facts>
  );
}
