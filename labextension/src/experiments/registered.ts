import type { IWorkbench } from '../tokens';

/** Make the run's model the next version of a model; if it cannot be deployed, the message says so. */
export async function registered(
  { client, trans }: IWorkbench,
  model: string,
  run: string
): Promise<{ ref: string; message: string }> {
  const { ref, version, unservable } = await client.experiments.register(model, run);
  const made = trans.__('%1 has version %2.', model, version);
  const message = unservable
    ? `${made} ${trans.__('It cannot be deployed: %1', unservable)}`
    : made;
  return { ref, message };
}
