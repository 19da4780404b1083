import { screen, waitFor } from '@testing-library/react';
import React from 'react';

import { fakeWorkbench, framed, show } from '../../components/__tests__/workbench';
import { Forecast, useForecast } from '../forecast';

function Asked({ gpus }: { gpus: number }): React.ReactElement {
  return <Forecast {...useForecast({ notebook: 'a.ipynb', gpus })} jobs={1} />;
}

it('what can never start is said of its own needs only: of other ones nothing is known until they are answered', async () => {
  const refused = { starts_at: null, seconds: null, like: 0, cost: null, refused: 'There are 4 GPUs.' };
  const estimate = jest.fn(({ gpus }: { gpus: number }) =>
    gpus > 4 ? Promise.resolve(refused) : new Promise(() => undefined)
  );
  const fake = fakeWorkbench({ jobs: { estimate } });
  const { rerender } = show(fake, <Asked gpus={9} />);
  await waitFor(() => expect(screen.getByRole('status').textContent).toContain('There are 4 GPUs.'));
  rerender(framed(fake, <Asked gpus={2} />));
  await waitFor(() => expect(estimate).toHaveBeenCalledTimes(2));
  expect(screen.getByRole('status').textContent).not.toContain('never');
});
