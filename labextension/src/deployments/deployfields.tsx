import '../../style/deploying.css';

import React from 'react';

import type { IDeployment, IModel, IVersion } from '../api/types';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { choices, Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { deployedAs, type Faults, type IDeployForm, MOST_WORKERS, viewsOf } from './deployform';
import { weightsOf, words } from './weights';

export interface IFieldsProps {
  form: IDeployForm;
  faults: Faults;
  /** That of the form's name, if there is one. */
  deployment: IDeployment | undefined;
  onChange: (change: Partial<IDeployForm>) => void;
}

const RUNTIMES = ['seldon-core', 'open-inference', 'mlserver'].map(name => ({
  value: name,
  label: name
}));

/** The version, where the form was opened without one. */
export function VersionFields({
  form,
  faults,
  models,
  versions,
  onChange
}: IFieldsProps & {
  models: readonly IModel[];
  versions: readonly IVersion[];
}): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Select
        label={trans.__('model')}
        focus
        value={form.model}
        options={choices(
          models.map(({ name }) => name),
          form.model
        )}
        onChange={model => onChange({ model, version: undefined })}
      />
      <Select
        label={trans.__('version')}
        value={form.version}
        options={versions.map(({ version, aliases }) => ({
          value: String(version),
          label: [`v${version}`, ...aliases].join(' ')
        }))}
        fault={faults.version}
        onChange={version => onChange({ version })}
      />
    </>
  );
}

/** The deployment; those that there are, are offered. */
export function NameField({
  form,
  faults,
  deployment,
  deployments,
  onChange
}: IFieldsProps & { deployments: readonly IDeployment[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const traffic = deployment && words(weightsOf(deployment.versions));
  const unused = traffic === '' ? trans.__('no version has traffic') : traffic;
  return (
    <Field
      label={trans.__('deployment')}
      width={240}
      value={form.name}
      options={deployments.map(({ name, versions }) => ({
        value: name,
        label: words(weightsOf(versions))
      }))}
      unit={unused ?? trans.__('a new one')}
      fault={faults.name}
      onChange={name => onChange({ name })}
    />
  );
}

export function TargetField({ form, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Select
      label={trans.__('where')}
      value={form.target}
      options={[
        { value: 'local', label: trans.__('on this machine') },
        { value: 'kubernetes', label: trans.__('here, then on the clusters of the settings') }
      ]}
      onChange={target => onChange({ target: target as IDeployForm['target'] })}
    />
  );
}

/** What a version that is deployed already keeps. */
export function OwnFields({
  form,
  faults,
  deployment,
  views,
  onChange
}: IFieldsProps & { views: readonly string[] }): React.ReactElement {
  const { trans } = useWorkbench();
  const present = deployedAs(form, deployment);
  if (present) {
    return (
      <p className={cx('quiet', 'deploying-note')}>
        {trans.__(
          '%1 is deployed there already, on %2: it keeps its runtime, processes, features and answers.',
          present.version,
          present.runtime
        )}
      </p>
    );
  }
  return (
    <>
      <Field
        label={trans.__('runtime')}
        width={160}
        value={form.runtime}
        options={RUNTIMES}
        unit={trans.__('empty: as the settings say')}
        onChange={runtime => onChange({ runtime })}
      />
      <Field
        label={trans.__('processes')}
        type="number"
        min={1}
        max={MOST_WORKERS}
        width={80}
        value={form.workers}
        fault={faults.workers}
        unit={trans.__('empty: as the settings say')}
        onChange={workers => onChange({ workers })}
      />
      <Select
        label={trans.__('a classifier answers')}
        value={form.answers}
        options={[
          { value: '', label: trans.__('what it predicts') },
          { value: 'classes', label: trans.__('classes') },
          { value: 'probabilities', label: trans.__('probabilities') }
        ]}
        onChange={answers => onChange({ answers: answers as IDeployForm['answers'] })}
      />
      <FeatureFields {...{ form, faults, deployment, views, onChange }} />
    </>
  );
}

/** Inputs that come from the online store; completions go on with what stands there. */
function FeatureFields({
  form,
  faults,
  deployment,
  views,
  onChange
}: IFieldsProps & { views: readonly string[] }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const chosen = viewsOf(form);
  if (!views.length && !chosen.length) {
    return null;
  }
  const begun = chosen.filter(view => views.includes(view.split(':')[0] ?? ''));
  const offered = views.filter(view => !chosen.includes(view));
  return (
    <>
      <Field
        label={trans.__('feature views')}
        width={240}
        value={form.features}
        options={offered.map(view => ({ value: [...begun, view].join(', '), label: view }))}
        unit={
          deployment
            ? trans.__('VIEW or VIEW:FEATURE, …; empty: those of the version with most traffic')
            : trans.__('VIEW or VIEW:FEATURE, …; empty: requests carry all inputs')
        }
        fault={faults.features}
        onChange={features => onChange({ features })}
      />
      {chosen.length > 0 && (
        <Select
          label={trans.__('a missing value')}
          value={form.missing}
          options={[
            { value: 'error', label: trans.__('refuses the request') },
            { value: 'null', label: trans.__('stays missing') },
            { value: 'default', label: trans.__('becomes a default') }
          ]}
          onChange={missing => onChange({ missing: missing as IDeployForm['missing'] })}
        />
      )}
      {chosen.length > 0 && form.missing === 'default' && (
        <Field
          label={trans.__('defaults')}
          width={240}
          placeholder="delay=1.5, sky=clear"
          value={form.defaults}
          fault={faults.defaults}
          onChange={defaults => onChange({ defaults })}
        />
      )}
    </>
  );
}

export function ReasonField({ form, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Field
      label={trans.__('reason')}
      width={240}
      unit={trans.__('stays in the history')}
      value={form.reason}
      onChange={reason => onChange({ reason })}
    />
  );
}
