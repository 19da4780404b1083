import '../../style/catalog.css';

import React, { useEffect, useState } from 'react';

import type { IExpiryTerms } from '../api/catalog/time';
import type { IDataset, IExpiryPlan } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Facts } from '../components/header';
import { type IColumnSpec, Table } from '../components/table';
import { clock } from '../components/times';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';
import type { IWorkbench, Perform } from '../tokens';
import { after } from './careverbs';
import { askForm } from './formdialog';

const WAIT = 300;
/** The same as at the command line. */
const TERMS: IExpiryTerms = { keep: 10, older_than: '30d' };

type Snapshot = IExpiryPlan['snapshots'][number];

interface IExpiryProps {
  name: string;
  /** The terms as they were looked at; null while nothing may be done. */
  onReady: (terms: IExpiryTerms | null) => void;
}

/** Let old snapshots go, once the user has seen which, and what is lost with them. */
export const expire: Perform<IDataset> = async call => {
  const { name, workbench } = call;
  const { client, trans } = workbench;
  const terms = await askForm<IExpiryTerms>(workbench, {
    title: trans.__('Expire Snapshots of %1', name),
    cancel: trans.__('Keep as It Is'),
    accept: trans.__('Expire'),
    isFinal: true,
    form: onReady => <Expiry name={name} onReady={onReady} />
  });
  if (!terms) {
    return null;
  }
  return after(call, await client.catalog.expire(name, terms), {
    message: trans.__('Old snapshots of %1 are gone.', name)
  });
};

/** The terms over what they would do. */
export function Expiry({ name, onReady }: IExpiryProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [keep, setKeep] = useState(String(TERMS.keep));
  const [age, setAge] = useState(TERMS.older_than);
  const terms = JSON.stringify({ keep: Number(keep), older_than: age.trim() });
  const asked = useSettled(terms, WAIT);
  const query = useQuery(
    `expiry:${name}:${asked}`,
    signal => client.catalog.expiry(name, JSON.parse(asked) as IExpiryTerms, signal),
    { every: () => null, list: 'expiry' }
  );
  const { borrowed, data, error } = query;
  const isReady = Boolean(data?.expires) && !error && !borrowed && asked === terms;
  useEffect(() => {
    onReady(isReady ? (JSON.parse(terms) as IExpiryTerms) : null);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the terms stand for what is ready
  }, [isReady, terms]);
  return (
    <>
      <div className={cx('bar')}>
        <Field
          label={trans.__('the newest stay')}
          type="number"
          min={1}
          width={64}
          value={keep}
          onChange={setKeep}
        />
        <Field
          label={trans.__('younger ones stay')}
          width={64}
          value={age}
          placeholder={TERMS.older_than}
          onChange={setAge}
        />
      </div>
      <Result query={query} rows={8}>
        {plan => <Plan plan={plan} />}
      </Result>
    </>
  );
}

/** What goes, what is lost with it, and why the others stay. */
function Plan({ plan }: { plan: IExpiryPlan }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Facts>
        {trans._n('%1 snapshot expires', '%1 snapshots expire', plan.expires)}
        {trans._n('%1 file is deleted', '%1 files are deleted', plan.files)}
        {format.bytes(plan.bytes)}
        {plan.note && <span>{plan.note}</span>}
      </Facts>
      {plan.lost.length > 0 && (
        <ul className={cx('catalog-remarks')} aria-label={trans.__('What is lost')}>
          {plan.lost.map(line => (
            <li key={line} className={cx('tone-wait')}>
              {line}
            </li>
          ))}
        </ul>
      )}
      <div className={cx('catalog-register-rows')}>
        <Table
          label={trans.__('What becomes of each snapshot')}
          columns={columnsOf(plan, trans)}
          rows={plan.snapshots}
          row={({ id }) => ({ id })}
          total={plan.total}
        />
      </div>
    </>
  );
}

function columnsOf(
  { snapshots }: IExpiryPlan,
  trans: IWorkbench['trans']
): IColumnSpec<Snapshot>[] {
  const time = clock(snapshots.map(({ at }) => at));
  return [
    { key: 'id', head: trans.__('snapshot'), cell: ({ id }) => <code>{id}</code>, width: 190 },
    { key: 'at', head: trans.__('when'), cell: ({ at }) => time(at), width: 130 },
    { key: 'rows', head: trans.__('rows'), figure: ({ rows }) => rows, width: 100 },
    {
      key: 'fate',
      head: trans.__('what becomes of it'),
      wrap: true,
      cell: ({ kept_because: why }) =>
        why ? trans.__('stays: %1', why) : <b>{trans.__('expires')}</b>
    }
  ];
}
