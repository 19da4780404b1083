/** The metric that a short row shows: an AUC, else the first by name. */
export function mainMetric({
  metrics
}: {
  metrics: Readonly<Record<string, unknown>>;
}): string | undefined {
  const names = Object.keys(metrics).sort();
  return (
    names.find(name => /(^|[._])auc$/.test(name)) ??
    names.find(name => name.includes('auc')) ??
    names[0]
  );
}
