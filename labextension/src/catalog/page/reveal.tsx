import React from 'react';

import type { IDatasetDetail } from '../../api/types';
import { Button } from '../../components/button';
import { confirm } from '../../components/confirm';
import { cx } from '../../components/cx';
import { useWorkbench } from '../../hooks/context';
import { personal } from './revealed';

interface IRevealing {
  revealed: boolean;
  onReveal: (revealed: boolean) => void;
}

interface IRevealProps extends IRevealing {
  detail: Pick<IDatasetDetail, 'dataset' | 'schema'>;
}

interface IRevealBarProps extends IRevealing {
  /** Of the object whose page it is. */
  name: string;
  /** Its masked columns, or features. */
  names: readonly string[];
}

/** Names that are written out; a tooltip has all. */
const NAMED = 5;

/** Which columns are masked, and the way to their values, once the user knows what that means. */
export function Reveal({ detail, ...revealing }: IRevealProps): React.ReactElement {
  const names = personal(detail.schema).map(({ name }) => name);
  return <RevealBar name={detail.dataset.name} names={names} {...revealing} />;
}

/** The same of what is named. */
export function RevealBar({
  name,
  names,
  revealed,
  onReveal
}: IRevealBarProps): React.ReactElement | null {
  const { trans } = useWorkbench();
  if (!names.length) {
    return null;
  }
  const all = names.join(', ');
  const some = names.length > NAMED ? `${names.slice(0, NAMED).join(', ')}, …` : all;
  const ask = async (): Promise<void> => {
    const sure = await confirm({
      title: trans.__('Reveal masked values of %1?', name),
      body: trans.__(
        'This page shows the values of %1 until you mask them again or close it. That you have seen them is written to the audit log, for good.',
        some
      ),
      action: trans.__('Reveal'),
      trans
    });
    if (sure) {
      onReveal(true);
    }
  };
  return (
    <div className={cx('bar')}>
      <span title={all} role="status">
        {revealed
          ? trans.__('Values are asked for and written to the audit log: %1', some)
          : trans._n('%1 masked column: %2', '%1 masked columns: %2', names.length, some)}
      </span>
      <Button
        label={revealed ? trans.__('Mask Again') : trans.__('Reveal Values…')}
        caption={
          revealed
            ? trans.__('Show no values of these columns')
            : trans.__('For this page, if you have that right; who did is recorded')
        }
        onClick={() => (revealed ? onReveal(false) : void ask())}
      />
    </div>
  );
}
