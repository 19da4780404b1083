/** What a table that is registered in place is read from; other domains keep tables of their own. */
const FORMS: ReadonlySet<string> = new Set(['csv', 'json', 'parquet', 'arrow', 'excel', 'delta']);

/** Whether a table is read where it is: people say what it is as of a dataset, and give it rules. */
export const isInPlace = ({ domain }: { domain: string }): boolean => FORMS.has(domain);
