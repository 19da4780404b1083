"""Lists of a table's files that do not say which partitions are in them, as ClickHouse writes them:
without a lower and an upper bound, which pyiceberg takes for partitions without a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestFile, PartitionFieldSummary


def look_where_bounds_are_unknown() -> None:
    """Let pyiceberg, and Polars, which plans with it, look into such lists; a condition, an upsert
    and a compaction found no file in them.
    """
    from pyiceberg.expressions import visitors

    if visitors._ManifestEvalVisitor.__module__ != visitors.__name__:
        return

    class Looking(visitors._ManifestEvalVisitor):
        def eval(self, manifest: ManifestFile) -> bool:
            return any(map(_is_unknown, manifest.partitions or ())) or super().eval(manifest)

    visitors._ManifestEvalVisitor = Looking  # type: ignore[misc]


def _is_unknown(summary: PartitionFieldSummary) -> bool:
    """Iceberg leaves bounds out only where all values are null or NaN."""
    is_empty = summary.contains_null or summary.contains_nan
    return summary.lower_bound is None and not is_empty
