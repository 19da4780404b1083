import '../../style/deploying.css';

import React from 'react';

import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import type { IFieldsProps } from './deployfields';
import { type How, howsFor, type IDeployForm } from './deployform';

/** How it comes to its traffic, and what that takes. */
export function HowFields(props: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { form, faults, deployment, onChange } = props;
  const words: Readonly<Record<How, string>> = {
    all: trans.__('with all traffic'),
    standby: trans.__('on standby, without traffic'),
    canary: trans.__('as a canary, with a share'),
    shadow: trans.__('as a shadow, with copies'),
    steps: trans.__('step by step, while it does well')
  };
  const notes: Readonly<Record<How, string>> = {
    all: trans.__('no other version answers'),
    standby: trans.__('it is tested and stays warm'),
    canary: trans.__('taken from the others in proportion'),
    shadow: trans.__('nobody gets its answers; they are logged and compared'),
    steps: trans.__('rolled back by itself after a breach')
  };
  return (
    <>
      <Select
        label={trans.__('how it comes in')}
        value={form.how}
        options={howsFor(form, deployment).map(how => ({ value: how, label: words[how] }))}
        unit={notes[form.how]}
        onChange={how => onChange({ how: how as How })}
      />
      {form.how === 'canary' && (
        <Field
          label={trans.__('share')}
          type="number"
          min={1}
          max={100}
          width={80}
          unit={trans.__('% of the requests')}
          value={form.share}
          fault={faults.share}
          onChange={share => onChange({ share })}
        />
      )}
      {form.how === 'shadow' && (
        <Field
          label={trans.__('copies')}
          type="number"
          min={1}
          max={100}
          width={80}
          unit={trans.__('% of the requests')}
          value={form.copies}
          fault={faults.copies}
          onChange={copies => onChange({ copies })}
        />
      )}
      {form.how === 'steps' && <StepFields {...props} />}
    </>
  );
}

/** Its shares one after the other, and what each step is judged by. */
function StepFields({ form, faults, onChange }: IFieldsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Field
        label={trans.__('steps')}
        width={160}
        unit={trans.__('% of the requests, one after the other')}
        value={form.steps}
        fault={faults.steps}
        onChange={steps => onChange({ steps })}
      />
      <Field
        label={trans.__('every')}
        type="number"
        min={0}
        step="any"
        width={80}
        unit={trans.__('minutes at least')}
        value={form.every}
        fault={faults.every}
        onChange={every => onChange({ every })}
      />
      <Field
        label={trans.__('and after')}
        type="number"
        min={0}
        width={80}
        unit={trans.__('requests that it has answered')}
        value={form.least}
        fault={faults.least}
        onChange={least => onChange({ least })}
      />
      <Select
        label={trans.__('judged by')}
        value={form.goal}
        options={[
          { value: '', label: trans.__('errors and latency') },
          { value: 'reward', label: trans.__('errors, latency, rewards of the feedback') },
          { value: 'kpi', label: trans.__('errors, latency, KPI of its monitor') },
          { value: 'error', label: trans.__('errors, latency, errors against labels') }
        ]}
        onChange={goal => onChange({ goal: goal as IDeployForm['goal'] })}
      />
      {form.goal && (
        <Select
          label={trans.__('better are')}
          value={form.better}
          options={[
            {
              value: '',
              label:
                form.goal === 'error'
                  ? trans.__('lower ones, as usual')
                  : trans.__('higher ones, as usual')
            },
            form.goal === 'error'
              ? { value: 'higher', label: trans.__('higher ones') }
              : { value: 'lower', label: trans.__('lower ones') }
          ]}
          onChange={better => onChange({ better: better as IDeployForm['better'] })}
        />
      )}
      <p className={cx('quiet', 'deploying-note')}>
        {trans.__('Each step waits for both. The plan stands on the deployment’s page.')}
      </p>
    </>
  );
}
