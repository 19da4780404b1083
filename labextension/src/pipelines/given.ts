/** Jobs that another form has filled in, by what they run: the schedule form goes on with them. */
const jobs = new Map<string, Readonly<Record<string, unknown>>>();

/** Keep a job for the schedule form of `what`, a reference such as `file:train.ipynb`. */
export const giveJob = (what: string, job: Readonly<Record<string, unknown>>): void => void jobs.set(what, job);

export const givenJob = (what: string): Readonly<Record<string, unknown>> | undefined => jobs.get(what);
