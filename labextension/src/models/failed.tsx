import React from 'react';

import { ApiError } from '../api/errors';
import { ActionButton } from '../components/action';
import { Button } from '../components/button';
import { ErrorCard } from '../components/card';
import { canAnswer, failedGates, isStopped } from '../deployments/stopped';
import * as format from '../format';
import { useWorkbench } from '../hooks/context';
import { formatRef } from '../refs';
import type { IPlace } from './deployed';

/** A card for each place where a failed test keeps a version of the model from traffic. */
export function FailedTests({
  places
}: {
  places: ReadonlyMap<number, readonly IPlace[]> | undefined;
}): React.ReactElement {
  const failed = [...(places?.values() ?? [])].flat().filter(({ version }) => isStopped(version));
  return (
    <>
      {failed.map(place => (
        <FailedTest key={`${place.deployment} ${place.version.version}`} place={place} />
      ))}
    </>
  );
}

/** Which test, what was measured against which limit, and the way past it, which needs a reason. */
function FailedTest({ place }: { place: IPlace }): React.ReactElement {
  const { open, trans } = useWorkbench();
  const { deployment, version } = place;
  const tests = failedGates(version);
  const ref = formatRef('deployment', deployment);
  return (
    <ErrorCard
      error={
        new ApiError(
          'unprocessable',
          trans.__(
            '%1 fails “%2” in %3',
            version.version,
            tests.map(({ name }) => name).join(', '),
            deployment
          ),
          tests
            .map(({ measured, limit }) =>
              trans.__('measured %1, limit %2', measured || format.DASH, limit)
            )
            .join('; '),
          trans.__('Correct the model and register a new version.')
        )
      }
    >
      <Button label={trans.__('Open Test')} onClick={() => void open(ref)} />
      {canAnswer(version) && (
        <ActionButton
          command="mlinfra:deployments-override"
          args={{ ref, version: version.version }}
          label={trans.__('Promote Anyway…')}
          caption={trans.__('It needs a reason, which stays in the history')}
        />
      )}
    </ErrorCard>
  );
}
