/** How long a run or a step of it took; null while it has no end. */
export function secondsOf({
  started_at,
  ended_at
}: {
  started_at: string | null;
  ended_at: string | null;
}): number | null {
  return started_at && ended_at ? (Date.parse(ended_at) - Date.parse(started_at)) / 1000 : null;
}
