import React, { useEffect, useState } from 'react';

import type { IDeployedVersion, IDeployment, IModel, IModelDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { CallCode } from '../components/drawer';
import { PageHeader } from '../components/header';
import { useAction } from '../hooks/action';
import { useWorkbench } from '../hooks/context';
import { useClose } from '../hooks/page';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import type { IPageProps } from '../tokens';
import { NameField, OwnFields, ReasonField, TargetField, VersionFields } from './deployfields';
import {
  deployedAs,
  faultsOf,
  howsFor,
  type IDeployForm,
  type IFaultWords,
  MOST_WORKERS,
  nameFor,
  testedAs,
  USUAL,
  wishOf
} from './deployform';
import { deployTarget, type IDeployTarget } from './deployref';
import { HowFields } from './howfields';
import { LiveChanges, liveOf } from './livechanges';

/** What the server gives in one list. */
const MOST = 500;

/** What the form offers. */
interface ISource {
  /** Without a version in the reference. */
  models: readonly IModel[];
  deployments: readonly IDeployment[];
}

/** The form that deploys a version of a model. */
export default function DeployPage({ reference, onTitle }: IPageProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const target = deployTarget(reference);
  const { version } = target;
  const source = useQuery<ISource>(
    reference,
    async signal => {
      const [models, deployments] = await Promise.all([
        version ? [] : client.experiments.models({ limit: MOST }, signal).then(page => page.items),
        client.deployments.list({ limit: MOST }, signal)
      ]);
      return { models, deployments: deployments.items };
    },
    { topics: ['deployment', 'model'] }
  );
  const title = version
    ? trans.__('Deploy %1 v%2', version.model, version.number)
    : trans.__('Deploy a version');
  useEffect(() => onTitle?.(title), [onTitle, title]);
  return (
    <>
      <PageHeader
        icon="deployment"
        title={title}
        reference={version ? formatRef('version', [version.model, version.number]) : ''}
      />
      <Result query={source}>
        {found => <DeployForm key={reference} target={target} source={found} />}
      </Result>
    </>
  );
}

/** The versions of a model, newest first. */
function useVersions(model: string): IModelDetail | undefined {
  const { client } = useWorkbench();
  return useQuery(
    formatRef('model', model || 'none'),
    signal => client.experiments.model(model, signal),
    { topics: ['model'], when: model !== '' }
  ).data;
}

/** Names of feature views; none while they are not known, or where there is no feature store. */
function useViews(): { views: readonly string[]; whole: boolean } {
  const { client } = useWorkbench();
  const { data } = useQuery(
    `views:${MOST}`,
    signal => client.features.views({ limit: MOST }, signal),
    { topics: ['view'] }
  );
  const views = data?.items.map(view => view.name) ?? [];
  return { views, whole: views.length === data?.total };
}

/** The model of a deployment, if it has a version. */
const modelOf = ({ versions }: IDeployment): string | undefined =>
  versions[0]?.model.replace('models:/', '').split('/')[0];

/** The form as it stands: what was filled in, over what the reference says, over what is usual. */
function useForm(
  { version, name, how }: IDeployTarget,
  { models, deployments }: ISource
): {
  form: IDeployForm;
  deployment: IDeployment | undefined;
  detail: IModelDetail | undefined;
  change: (change: Partial<IDeployForm>) => void;
} {
  const [filled, setFilled] = useState<Partial<IDeployForm>>({});
  const named = deployments.find(item => item.name === name);
  const model =
    version?.model ?? filled.model ?? (named && modelOf(named)) ?? models[0]?.name ?? '';
  const detail = useVersions(model);
  const newest = detail?.versions[0]?.version;
  const number = version?.number ?? filled.version ?? (newest ? String(newest) : '');
  const all: IDeployForm = {
    ...USUAL,
    name: name ?? nameFor(model),
    ...filled,
    model,
    version: number,
    how: filled.how ?? how ?? 'all'
  };
  const deployment = deployments.find(item => item.name === all.name);
  const hows = howsFor(all, deployment);
  const form = { ...all, how: hows.includes(all.how) ? all.how : (hows[0] ?? 'all') };
  return { form, deployment, detail, change: more => setFilled({ ...filled, ...more }) };
}

function DeployForm({
  target,
  source
}: {
  target: IDeployTarget;
  source: ISource;
}): React.ReactElement {
  const { client, open, trans } = useWorkbench();
  const { form, deployment, detail, change } = useForm(target, source);
  const { views, whole } = useViews();
  const faults = faultsOf(form, deployment, whole ? views : null, useWords());
  const faulty = Object.keys(faults).length > 0;
  const chosen = detail?.versions.find(({ version }) => String(version) === form.version);
  const refused = [chosen?.fault, chosen?.unservable].find(Boolean) ?? '';
  const words = useTestWords(deployedAs(form, deployment));
  const wish = wishOf(form, deployment);
  const { run, busy } = useAction();
  const close = useClose();
  const submit = (): Promise<boolean> =>
    run(async () => {
      const { ref } = await client.deployments.deploy(wish);
      await open(ref);
      close();
    });
  const fields = { form, faults, deployment, onChange: change };
  const live = liveOf(deployment);
  return (
    <>
      <div className={cx('scroll')}>
        <form
          className={cx('form')}
          aria-label={trans.__('Deploy')}
          onSubmit={event => {
            event.preventDefault();
            if (!faulty && !refused) {
              void submit();
            }
          }}
        >
          {!target.version && (
            <VersionFields {...fields} models={source.models} versions={detail?.versions ?? []} />
          )}
          <NameField {...fields} deployments={source.deployments} />
          <TargetField {...fields} />
          <HowFields {...fields} />
          <OwnFields {...fields} views={views} />
          <ReasonField {...fields} />
          <div className={cx('form-actions')}>
            <Button
              kind="primary"
              icon="deployment"
              label={busy ? trans.__('Starting…') : trans.__('Deploy')}
              disabled={busy || faulty || refused !== ''}
              caption={refused || undefined}
              submit
            />
            <span className={cx('quiet')}>{refused || words}</span>
          </div>
        </form>
        {live && form.version && live.version !== `v${form.version}` && (
          <LiveChanges name={form.name} version={`${form.model}/${form.version}`} />
        )}
      </div>
      <CallCode
        faulty={faulty}
        call={{ call: 'deployments-deploy', values: { ...wish } }}
        note={trans.__('the same deploy')}
      />
    </>
  );
}

/** What becomes of the tests of a version. present: as it is deployed already. */
function useTestWords(present: IDeployedVersion | undefined): string {
  const { trans } = useWorkbench();
  if (!present) {
    return trans.__(
      'Its environment is built and it is tested before it answers; a failed test stops it. The job’s page opens.'
    );
  }
  switch (testedAs(present)) {
    case 'passed':
      return trans.__('It has passed its tests there. The job’s page opens.');
    case 'failed':
      return trans.__('It is there although a test has failed. The job’s page opens.');
    case '':
      return trans.__('It is there already. The job’s page opens.');
  }
}

function useWords(): IFaultWords {
  const { trans } = useWorkbench();
  return {
    name: trans.__('Small letters, digits and hyphens, at most 63.'),
    version: trans.__('Choose a version.'),
    share: trans.__('Give a whole number from 1 to 100.'),
    less: share =>
      trans.__('It answers %1 % already. Change Traffic on its page gives it less.', share),
    copies: trans.__('Give a whole number from 1 to 100.'),
    steps: trans.__('Give shares that rise, the first below 100: 5,25,100.'),
    every: trans.__('Give at least 0.017 (1 second), at most 43,200 (30 days).'),
    least: trans.__('Give a whole number, 0 or more.'),
    workers: trans.__('Give a whole number from 1 to %1.', MOST_WORKERS),
    view: view => trans.__('There is no feature view %1.', view),
    defaults: trans.__('Give COLUMN=VALUE, with commas between them.')
  };
}
