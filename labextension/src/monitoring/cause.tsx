import '../../style/monitoring.css';

import React, { useState } from 'react';

import type { ICausePlace, ICauseSource, IFeatureCause } from '../api/types';
import { Button, Link } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Diff } from '../components/diff';
import { Heading } from '../components/header';
import { Pairs } from '../components/pairs';
import { RefLink } from '../components/reflink';
import * as format from '../format';
import { useOpenFile } from '../hooks/command';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import type { IWorkbench } from '../tokens';

interface ICauseProps {
  monitor: string;
  feature: string;
  /** Such as `v3`; the one with most of the traffic when left out. */
  version?: string;
  onAsk?: () => void;
}

/** The way from a feature to the code that made it; notebooks are read when somebody asks for it. */
export function Cause({ monitor, feature, version, onAsk }: ICauseProps): React.ReactElement {
  const { client, trans } = useWorkbench();
  const key = `cause ${monitor} ${feature} ${version ?? ''}`;
  const [asked, setAsked] = useState('');
  const traced = asked === key;
  const query = useQuery(
    key,
    signal => client.monitoring.cause(monitor, { feature, ...(version && { version }) }, signal),
    { when: traced, every: () => null }
  );
  const ask = (): void => {
    onAsk?.();
    setAsked(key);
    if (traced) {
      void query.refresh();
    }
  };
  return (
    <section aria-label={trans.__('Where %1 comes from', feature)}>
      <Heading title={trans.__('Where it comes from')} note={feature}>
        <Button
          label={traced ? trans.__('Trace Again') : trans.__('Trace to Its Code')}
          caption={trans.__('The dataset, step and cell that made it, and what changed there')}
          onClick={ask}
        />
      </Heading>
      {traced && (
        <Result query={query} rows={3}>
          {cause => <Traced cause={cause} />}
        </Result>
      )}
    </section>
  );
}

function Traced({ cause }: { cause: IFeatureCause }): React.ReactElement {
  const { trans } = useWorkbench();
  return (
    <>
      <Pairs
        pairs={[[trans.__('version'), cause.version && <RefLink reference={cause.version} />]]}
      />
      {cause.sources.map(source => (
        <Source key={source.dataset + source.column} source={source} feature={cause.feature} />
      ))}
      <Reasons reasons={cause.reasons} />
      <p className={cx('more')}>{cause.basis}</p>
    </>
  );
}

function Source({
  source,
  feature
}: {
  source: ICauseSource;
  feature: string;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const openFile = useOpenFile();
  const { dataset, at, newer, view, entities, step, pipeline, run, job, executed } = source;
  return (
    <div role="group" aria-label={trans.__('From %1', dataset)}>
      <Pairs
        pairs={[
          [trans.__('dataset'), <RefLink key="dataset" reference={dataset} />],
          [trans.__('because'), source.how],
          [
            trans.__('written'),
            at &&
              trans.__(
                '%1, %2',
                format.time(at),
                newer
                  ? trans._n('%1 snapshot since', '%1 snapshots since', newer)
                  : trans.__('the newest snapshot')
              )
          ],
          [
            trans.__('view'),
            view && (
              <>
                <RefLink reference={view} /> {entities.join(', ')}
              </>
            )
          ],
          [
            trans.__('step'),
            (step || pipeline) && (
              <>
                <RefLink reference={step || pipeline} />{' '}
                {run && trans.__('in pipeline run %1', run)}
              </>
            )
          ],
          [trans.__('job'), job && <RefLink reference={job} />],
          [
            trans.__('notebook'),
            (executed || source.notebook) && (
              <Link
                title={
                  executed ? trans.__('Open the notebook as it ran') : trans.__('Open the notebook')
                }
                onClick={() => openFile(executed || source.notebook)}
              >
                {source.notebook || executed}
              </Link>
            )
          ]
        ]}
      />
      {source.places.map(place => (
        <Place
          key={`${place.file}:${place.cell}:${place.line}`}
          place={place}
          source={source}
          feature={feature}
        />
      ))}
      {source.named > source.places.length && (
        <p className={cx('more')}>
          {trans.__('%1 of %2 places', source.places.length, source.named)}
        </p>
      )}
      <Reasons reasons={source.reasons} />
    </div>
  );
}

function Place({
  place,
  source,
  feature
}: {
  place: ICausePlace;
  source: ICauseSource;
  feature: string;
}): React.ReactElement {
  const workbench = useWorkbench();
  const { trans } = workbench;
  const openFile = useOpenFile();
  const where =
    place.cell === null
      ? trans.__('%1, line %2', place.file, place.line)
      : trans.__('%1, cell %2, line %3', place.file, place.cell, place.line);
  return (
    <>
      <p className={cx('more')}>
        <b>{where}</b> {howOf(place, feature, workbench)} · {changeOf(place, source, workbench)}{' '}
        {place.change === 'changed' && source.later_executed && (
          <Link
            title={trans.__('Open the notebook of pipeline run %1', source.later_run)}
            onClick={() => openFile(source.later_executed)}
          >
            {source.later_run}
          </Link>
        )}
      </p>
      {place.diff ? (
        <Diff text={place.diff} label={trans.__('What changed in %1', where)} />
      ) : (
        <pre className={cx('diff')} role="region" aria-label={where} tabIndex={0}>
          <span>{place.source}</span>
        </pre>
      )}
    </>
  );
}

/** What code has to do with the feature. */
function howOf({ how }: ICausePlace, feature: string, { trans }: IWorkbench): string {
  return {
    assigns: trans.__('assigns %1', feature),
    names: trans.__('names %1', feature),
    ran: trans.__('was running'),
    writes: trans.__('writes the dataset')
  }[how];
}

/** What became of it. */
function changeOf(
  { change }: ICausePlace,
  { later_run: run, later_why: why }: ICauseSource,
  { trans }: IWorkbench
): string {
  return {
    unchanged: trans.__('unchanged in pipeline run %1', run),
    changed: why ? trans.__('changed since (%1):', why) : trans.__('changed since:'),
    removed: trans.__('removed by pipeline run %1', run),
    'no later run': trans.__('no later run of the step'),
    unknown: trans.__('it is not known what changed')
  }[change];
}

function Reasons({ reasons }: { reasons: readonly string[] }): React.ReactElement {
  return (
    <>
      {reasons.map(reason => (
        <p key={reason} className={cx('more')}>
          {reason}
        </p>
      ))}
    </>
  );
}
