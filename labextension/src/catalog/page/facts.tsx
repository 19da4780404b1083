import React from 'react';

import type { IDatasetDetail } from '../../api/types';
import { Button } from '../../components/button';
import { Facts } from '../../components/header';
import { Num } from '../../components/number';
import { State } from '../../components/state';
import { Tag } from '../../components/tag';
import * as format from '../../format';
import { useWorkbench } from '../../hooks/context';
import { short } from '../../refs';
import { isInPlace } from '../inplace';

interface IFactsProps {
  detail: IDatasetDetail;
  /** Show the newest snapshot. */
  onUpdate: () => void;
}

/** What is known of a dataset, in a line. */
export function DatasetFacts({ detail, onUpdate }: IFactsProps): React.ReactElement {
  const { trans } = useWorkbench();
  const { dataset, schema, newer } = detail;
  return (
    <Facts>
      <Num value={dataset.rows} strong unit={trans.__('rows')} />
      {trans._n('%2 column', '%2 columns', schema.length, format.number(schema.length))}
      <b>{format.bytes(dataset.bytes)}</b>
      {dataset.snapshot && (
        <span title={dataset.snapshot}>
          {dataset.updated_at
            ? trans.__(
                'snapshot %1, %2 ago',
                short(dataset.snapshot),
                format.span(format.secondsSince(dataset.updated_at))
              )
            : trans.__('snapshot %1', short(dataset.snapshot))}
        </span>
      )}
      {dataset.domain && (
        <Tag>
          {isInPlace(dataset)
            ? trans.__('%1, read in place', dataset.domain)
            : trans.__('table of %1, read-only', dataset.domain)}
        </Tag>
      )}
      {dataset.owner && (
        <>
          {trans.__('owner')} <b>{dataset.owner}</b>
        </>
      )}
      {dataset.tags.length > 0 && dataset.tags.map(tag => <Tag key={tag}>{tag}</Tag>)}
      {Object.entries(dataset.signs).map(([sign, why]) => (
        <State key={sign} state={sign} title={why} />
      ))}
      {newer > 0 && (
        <>
          <State state="pending">
            {trans._n('%1 snapshot newer', '%1 snapshots newer', newer)}
          </State>
          <Button
            label={trans.__('Update')}
            caption={trans.__('Show the newest snapshot')}
            onClick={onUpdate}
          />
        </>
      )}
      {dataset.description && <span title={dataset.description}>{dataset.description}</span>}
    </Facts>
  );
}
