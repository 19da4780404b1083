import '../../style/deployments.css';

import React, { useEffect, useState } from 'react';

import { ApiError, asApiError } from '../api/errors';
import type { IDeploymentDetail, IExplainedAnswers, IKnownRow, IPrediction } from '../api/types';
import { Button } from '../components/button';
import { ErrorCard } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Select } from '../components/select';
import { type IColumnSpec, Table } from '../components/table';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { parseBody } from './body';
import { Explanation } from './explanation';
import { firstRow, inputsOf, paramsOf, TryForm, withRow } from './tryform';

const ROWS_SHOWN = 100;

interface IAnswered {
  answer?: IPrediction;
  explanation?: IExplainedAnswers;
  error?: ApiError;
  busy?: boolean;
}

interface ITryItProps {
  detail: IDeploymentDetail;
  body: string;
  onBody: (body: string) => void;
}

/** Ask the deployment through its gateway, by fields or as JSON, with a sample that it accepts. */
export function TryIt({ detail, body, onBody }: ITryItProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const { deployment } = detail;
  const [asJson, setAsJson] = useState(false);
  const inputs = inputsOf(detail.signature);
  const hasForm = inputs !== null && firstRow(body) !== null;
  const [{ answer, explanation, error, busy }, setAnswered] = useState<IAnswered>({});
  const ask = async (why = false): Promise<void> => {
    const read = parseBody(body);
    if (!('value' in read)) {
      const fix = trans.__('Put every name and text in double quotes, and close every bracket.');
      setAnswered({
        error: new ApiError(
          'bad_request',
          trans.__('The request is not valid JSON.'),
          `${read.reason}.`,
          fix
        )
      });
      return;
    }
    setAnswered({ busy: true });
    try {
      const answered = await client.deployments.predict(deployment.name, read.value);
      setAnswered({ answer: answered, busy: why });
      if (why) {
        // Of the version that has answered: another one may answer otherwise.
        const version = answered.version;
        const found = await client.deployments.explain(deployment.name, read.value, version);
        setAnswered({ answer: answered, explanation: found });
      }
    } catch (failure) {
      setAnswered(({ answer: kept }) => ({ answer: kept, error: asApiError(failure) }));
    }
  };
  return (
    <div className={cx('deployments-columns')}>
      <section>
        <Heading title={trans.__('Request')} note={trans.__('Seldon’s protocol')}>
          <WrittenAs hasForm={hasForm} asJson={asJson} onJson={setAsJson} />
          <Button
            kind="primary"
            icon="play"
            label={trans.__('Ask')}
            disabled={busy}
            onClick={() => void ask()}
          />
          <Button
            label={trans.__('Explain')}
            caption={trans.__('Ask, and show what each input contributed to the first answer')}
            disabled={busy}
            onClick={() => void ask(true)}
          />
        </Heading>
        <KnownRows name={deployment.name} body={body} onBody={onBody} />
        {hasForm && !asJson ? (
          <TryForm inputs={inputs} params={paramsOf(detail.params)} body={body} onBody={onBody} />
        ) : (
          <div className={cx('inset')}>
            <textarea
              className={cx('input', 'deployments-body')}
              rows={16}
              aria-label={trans.__('Request body')}
              spellCheck={false}
              value={body}
              onChange={event => onBody(event.target.value)}
            />
          </div>
        )}
      </section>
      <section aria-live="polite">
        <Heading title={trans.__('Answer')} note={answer && <AnswerNote answer={answer} />} />
        {error && <ErrorCard error={error} />}
        {answer ? (
          <>
            <Answer answer={answer} />
            {explanation && <Explanation explanation={explanation} />}
            {busy && <p className={cx('more')}>{trans.__('Finding the contributions…')}</p>}
          </>
        ) : (
          !error && (
            <p className={cx('more')}>
              {busy
                ? trans.__('Waiting for the answer…')
                : trans.__('The answer names the version that gave it.')}
            </p>
          )
        )}
      </section>
    </div>
  );
}

interface IKnownRowsProps {
  name: string;
  body: string;
  onBody: (body: string) => void;
}

/** Rows that the deployment is known to take; one that is chosen becomes the request. */
function KnownRows({ name, body, onBody }: IKnownRowsProps): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const [rows, setRows] = useState<readonly IKnownRow[]>([]);
  useEffect(() => {
    const left = new AbortController();
    const load = async (): Promise<void> => {
      const page = await client.deployments.rows(name, left.signal);
      setRows(page.items);
    };
    load().catch(() => undefined); // the request can be written without them
    return () => left.abort();
  }, [client, name]);
  if (rows.length === 0) {
    return null;
  }
  const label = ({ origin, at, id }: IKnownRow, place: number): string =>
    origin === 'logged'
      ? trans.__('logged %1 · %2', format.time(at), id.slice(0, 8))
      : trans.__('sample row %1', place + 1 - rows.filter(row => row.origin === 'logged').length);
  const choose = (value: string): void => {
    const row = rows[Number(value)]?.row;
    if (value !== '' && row) {
      onBody(withRow(body, row));
    }
  };
  return (
    <div className={cx('inset')}>
      <Select
        label={trans.__('Fill with')}
        value=""
        width={220}
        options={[
          { value: '', label: trans.__('a known row…') },
          ...rows.map((row, place) => ({ value: String(place), label: label(row, place) }))
        ]}
        onChange={choose}
      />
    </div>
  );
}

interface IWrittenAsProps {
  hasForm: boolean;
  asJson: boolean;
  onJson: (json: boolean) => void;
}

/** Whether the request is written in fields or as JSON. */
function WrittenAs({ hasForm, asJson, onJson }: IWrittenAsProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <span role="group" aria-label={trans.__('Written as')}>
      <Button
        kind="quiet"
        label={trans.__('Form')}
        pressed={hasForm && !asJson}
        disabled={!hasForm}
        caption={
          hasForm
            ? trans.__('A field for each input; the first row')
            : trans.__('The request is not one of named rows')
        }
        onClick={() => onJson(false)}
      />
      <Button
        kind="quiet"
        label={trans.__('JSON')}
        pressed={asJson || !hasForm}
        onClick={() => onJson(true)}
      />
    </span>
  );
}

function AnswerNote({ answer }: { answer: IPrediction }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {trans.__('from %1 in', answer.version)}{' '}
      <Num
        value={answer.milliseconds}
        format={value => trans.__('%1 ms', format.number(value, 3))}
      />{' '}
      · {answer.request_id}
    </>
  );
}

function Answer({ answer }: { answer: IPrediction }): React.ReactElement {
  const { trans } = useWorkbench();
  const rows = answer.predictions.slice(0, ROWS_SHOWN).map((value, index) => ({
    index,
    values: Array.isArray(value) ? (value as unknown[]) : [value]
  }));
  const width = Math.max(1, ...rows.map(row => row.values.length));
  const columns: IColumnSpec<(typeof rows)[number]>[] = [
    { key: 'row', head: trans.__('row'), end: true, cell: row => row.index + 1, width: 60 },
    ...Array.from({ length: width }, (_, place): IColumnSpec<(typeof rows)[number]> => ({
      key: String(place),
      head: answer.names[place] ?? trans.__('prediction'),
      end: rows.every(({ values }) => typeof values[place] === 'number'),
      cell: ({ values }) =>
        typeof values[place] === 'number' ? (
          <Num value={values[place]} format={value => format.number(value, 6)} />
        ) : (
          format.cell(values[place])
        )
    })),
    { key: 'rest', head: '', cell: () => null }
  ];
  return (
    <>
      <Table
        label={trans.__('Predictions')}
        columns={columns}
        rows={rows}
        row={row => ({ id: String(row.index) })}
        total={answer.predictions.length}
      />
      {answer.predictions.length > ROWS_SHOWN && (
        <p className={cx('more')}>{trans.__('%1 of %2', ROWS_SHOWN, answer.predictions.length)}</p>
      )}
    </>
  );
}
