import '../../style/models.css';

import React, { useState } from 'react';

import type { IModelCard, IModelDetail, IVersion } from '../api/types';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Heading } from '../components/header';
import { Num } from '../components/number';
import { Pairs } from '../components/pairs';
import { RefLink } from '../components/reflink';
import { Select } from '../components/select';
import { State } from '../components/state';
import { Table } from '../components/table';
import { Tag } from '../components/tag';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { formatRef } from '../refs';
import { type IPlace, usePlaces } from './deployed';

/** The champion, else the newest version. */
const firstShown = ({ model, versions }: IModelDetail): IVersion | undefined =>
  versions.find(({ version }) => version === model.aliases.champion) ?? versions[0];

/** The model card of one version. */
export function ModelCard({ detail }: { detail: IModelDetail }): React.ReactElement | null {
  const { client, trans } = useWorkbench();
  const { model, versions } = detail;
  const [chosen, choose] = useState(firstShown(detail)?.version);
  const version = versions.find(item => item.version === chosen) ?? firstShown(detail);
  const query = useQuery(
    `card:${model.name}:${version?.version}`,
    signal => client.experiments.card(model.name, version?.version ?? 0, signal),
    { when: version !== undefined, topics: ['model'], list: `card:${model.name}` }
  );
  const champion = versions.find(item => item.version === model.aliases.champion);
  if (!version) {
    return null;
  }
  return (
    <div className={cx('scroll')}>
      <div className={cx('bar')}>
        <Select
          label={trans.__('version')}
          value={String(version.version)}
          options={versions.map(item => ({
            value: String(item.version),
            label: [`v${item.version}`, ...item.aliases].join(' · ')
          }))}
          onChange={next => choose(Number(next))}
        />
      </div>
      <Result query={query}>
        {card => <Card card={card} description={model.description} champion={champion} />}
      </Result>
    </div>
  );
}

interface ICardProps {
  card: IModelCard;
  /** Of the model. */
  description: string;
  champion: IVersion | undefined;
}

function Card({ card, description, champion }: ICardProps): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      {card.unread && (
        <p className={cx('more')}>
          <State state="failed">{card.unread}</State>
        </p>
      )}
      <div className={cx('models-columns')}>
        <section>
          <Heading title={trans.__('What it is')} />
          <About card={card} description={description} />
          <Heading title={trans.__('Trained on')} />
          <Training card={card} />
        </section>
        <section>
          <Metrics card={card} champion={champion} />
          <Deployed card={card} />
        </section>
      </div>
      <Signature card={card} />
      <div className={cx('models-columns')}>
        <section>
          <Heading
            title={trans.__('Requirements')}
            note={trans._n('%1 package', '%1 packages', card.requirements.length)}
          />
          <Pairs
            pairs={card.requirements.map(line => split(line))}
            empty={trans.__('Its files name none.')}
          />
        </section>
        <section>
          <Heading title={trans.__('Parameters')} note={trans.__('of its run')} />
          <Pairs
            pairs={Object.entries(card.params).map(([key, value]) => [key, format.setting(value)])}
            empty={trans.__('Its run logged none.')}
          />
        </section>
      </div>
      {card.left_out > 0 && (
        <p className={cx('more')}>
          {trans._n(
            '%1 further line is in its files',
            '%1 further lines are in its files',
            card.left_out
          )}
        </p>
      )}
    </>
  );
}

/** A line of requirements as a name and what is asked of its version. */
export function split(line: string): [name: string, version: string] {
  const [, name = line, rest = ''] = /^([A-Za-z0-9._[\],-]+)\s*(.*)$/.exec(line) ?? [];
  return [name, rest || format.DASH];
}

function About({
  card,
  description
}: {
  card: IModelCard;
  description: string;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const { version } = card;
  return (
    <Pairs
      pairs={[
        [trans.__('description'), card.description || description],
        [trans.__('owner'), card.owner],
        [trans.__('registered'), new Date(version.created_at).toLocaleString()],
        [
          trans.__('aliases'),
          version.aliases.length > 0 && version.aliases.map(alias => <Tag key={alias}>{alias}</Tag>)
        ],
        [trans.__('loads with'), card.flavors.join(', ')],
        [trans.__('Python'), card.python],
        [trans.__('size'), card.size_bytes !== null && format.bytes(card.size_bytes)],
        [trans.__('not deployable'), version.fault || version.unservable],
        ...Object.entries(card.tags)
      ]}
    />
  );
}

function Training({ card: { version, run } }: { card: IModelCard }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <Pairs
      pairs={[
        [
          trans.__('data'),
          version.datasets.length > 0 &&
            version.datasets.map(reference => (
              <div key={reference}>
                <RefLink reference={reference} />
              </div>
            ))
        ],
        [
          trans.__('run'),
          version.run && (
            <RefLink reference={formatRef('run', version.run)}>
              {version.run_name || format.shortId(version.run)}
            </RefLink>
          )
        ],
        [trans.__('notebook'), version.notebook],
        [trans.__('job'), run?.job && <RefLink reference={formatRef('job', run.job)} />],
        [
          trans.__('step'),
          run?.step && (
            <RefLink
              reference={
                run.step.startsWith('step:') ? run.step : formatRef('step', run.step.split('/'))
              }
            />
          )
        ]
      ]}
      empty={trans.__('It was registered from files; no run is known.')}
    />
  );
}

function Metrics({
  card: { version },
  champion
}: Pick<ICardProps, 'card' | 'champion'>): React.ReactElement {
  const { trans } = useWorkbench();
  const names = Object.keys(version.metrics).sort();
  const against = champion?.version === version.version ? undefined : champion;
  const data = version.datasets.map(reference => reference.replace(/^dataset:/, '')).join(', ');
  return (
    <>
      <Heading
        title={trans.__('Metrics')}
        note={
          data
            ? trans.__('the last value of its run, which read %1', data)
            : trans.__('the last value of its run')
        }
      />
      {names.length ? (
        <Table
          label={trans.__('Metrics of v%1', version.version)}
          columns={[
            { key: 'name', head: trans.__('metric'), cell: name => name },
            { key: 'value', head: trans.__('value'), figure: name => version.metrics[name] },
            ...(against
              ? [
                  {
                    key: 'champion',
                    head: trans.__('champion v%1', against.version),
                    end: true,
                    cell: (name: string) =>
                      against.metrics[name] === undefined ? (
                        format.DASH
                      ) : (
                        <Num value={against.metrics[name]} />
                      )
                  }
                ]
              : [])
          ]}
          rows={names}
          row={name => ({ id: name })}
        />
      ) : (
        <p className={cx('more')}>{trans.__('Its run logged no metrics.')}</p>
      )}
    </>
  );
}

function Deployed({ card: { version } }: { card: IModelCard }): React.ReactElement | null {
  const { trans } = useWorkbench();
  const places = usePlaces(version.model);
  return places ? (
    <>
      <Heading title={trans.__('Deployed')} />
      <Pairs
        pairs={(places.get(version.version) ?? []).map(place => [
          place.deployment,
          <Place key={place.deployment} place={place} />
        ])}
        empty={trans.__('It is not deployed.')}
      />
    </>
  ) : null;
}

/** Where a version is deployed, with its role and share. */
export function Place({ place }: { place: IPlace }): React.ReactElement {
  const { deployment, version } = place;
  const share = version.traffic ? ` ${format.number(version.traffic)} %` : '';
  return (
    <RefLink reference={formatRef('deployment', deployment)}>
      {`${version.role || version.state}${share}`}
    </RefLink>
  );
}

function Signature({ card }: { card: IModelCard }): React.ReactElement {
  const { trans } = useWorkbench();
  const side = (label: string, columns: IModelCard['inputs']): React.ReactElement => (
    <section>
      <Heading title={label} note={trans._n('%1 column', '%1 columns', columns.length)} />
      {columns.length ? (
        <Table
          label={label}
          columns={[
            { key: 'name', head: trans.__('name'), cell: row => row.name || format.DASH },
            { key: 'type', head: trans.__('type'), width: 140, cell: row => row.type },
            {
              key: 'required',
              head: trans.__('may be missing'),
              width: 110,
              cell: row => (row.required ? trans.__('no') : trans.__('yes'))
            }
          ]}
          rows={columns.map((column, place) => ({ ...column, place }))}
          row={row => ({ id: String(row.place) })}
        />
      ) : (
        <p className={cx('more')}>{trans.__('Not stated.')}</p>
      )}
    </section>
  );
  return (
    <div className={cx('models-columns')}>
      {side(trans.__('Inputs'), card.inputs)}
      {side(trans.__('Outputs'), card.outputs)}
    </div>
  );
}
