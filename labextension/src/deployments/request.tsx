import '../../style/deployments.css';

import React, { useEffect } from 'react';

import type { ILoggedRequestDetail } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Pairs } from '../components/pairs';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { type RowKey, shortly, Status } from './requests';

interface IRequestDetailProps {
  name: string;
  row: RowKey;
  onClose: () => void;
  onTry: (body: unknown) => void;
  onBody: (body: unknown) => void;
}

/** One row of a logged request, with all its inputs. */
export function RequestDetail({
  name,
  row,
  onClose,
  onTry,
  onBody
}: IRequestDetailProps): React.ReactElement {
  const { client, code, trans } = useWorkbench();
  const query = useQuery(
    `request:${name}:${row.at}:${row.row}:${row.id}`,
    signal => client.deployments.request(name, row, signal),
    { every: () => null }
  );
  const detail = query.data;
  const body = detail?.body ?? null;
  useEffect(() => {
    onBody(body);
    return () => onBody(null);
  }, [body, onBody]);
  const why = detail?.not_repeatable;
  return (
    <section
      className={cx('deployments-request')}
      aria-label={trans.__('Request %1', format.shortId(row.id))}
    >
      <Heading title={trans.__('Request')} note={format.shortId(row.id)}>
        <Button
          icon="play"
          label={trans.__('Try It')}
          disabled={!body}
          caption={why ?? trans.__('Take its values to Try It')}
          onClick={() => onTry(body)}
        />
        <Button
          icon="copy"
          label={trans.__('Copy as Code')}
          disabled={!detail?.code.python}
          caption={why}
          onClick={() => code.copy(detail?.code.python ?? '')}
        />
        <Button kind="quiet" label={trans.__('Close')} onClick={onClose} />
      </Heading>
      <Result query={query}>{found => <Detail detail={found} />}</Result>
    </section>
  );
}

function Detail({ detail }: { detail: ILoggedRequestDetail }): React.ReactElement {
  const { trans } = useWorkbench();
  const { request, sent, not_repeatable: why } = detail;
  const features = Object.entries(request.features);
  return (
    <>
      <Pairs
        pairs={[
          [trans.__('id'), request.id],
          [trans.__('row'), request.row > 0 && String(request.row + 1)],
          [trans.__('time'), new Date(request.at).toLocaleString()],
          [trans.__('version'), request.version],
          [trans.__('status'), <Status key="status" status={request.status} />],
          [
            trans.__('latency'),
            trans.__('%1 ms in the model’s process', format.number(request.latency_ms, 3))
          ],
          ...Object.entries(request.answer).map(([name, value]) => [name, shortly(value)] as const),
          [trans.__('label'), request.label === null ? '' : shortly(request.label)],
          [trans.__('why'), request.why],
          [trans.__('sent'), sent && <code className={cx('deployments-sent')}>{sent}</code>]
        ]}
      />
      {features.length > 0 && (
        <>
          <Heading
            title={trans.__('Features')}
            note={
              features.length < request.inputs
                ? trans.__('%1 of %2', features.length, request.inputs)
                : trans._n('%1 input', '%1 inputs', request.inputs)
            }
          />
          <Pairs pairs={features.map(([name, value]) => [name, shortly(value)] as const)} />
        </>
      )}
      {why && request.status < 400 && (
        <p className={cx('more')}>{trans.__('Cannot be repeated: %1', why)}</p>
      )}
    </>
  );
}
