"""A lazy frame that DuckDB reads in parts, so that a large table is never in memory as a whole.

DuckDB's own source collects the rows of a scan at once. This one is made of the same private
classes; a test says when they change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from duckdb._sources.polars import LazyFrameSource
from duckdb._sources.to_polars import to_polars

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_ROWS = 1 << 17


class StreamedFrame(LazyFrameSource):  # type: ignore[misc]
    """Filters and columns go into the plan of the frame, as DuckDB's own source has it."""

    def stream(self, columns: Sequence[int] | None, filters: Sequence[Any]) -> tuple[object, bool]:
        """A stream of the rows that pass, and whether it holds exactly `columns`."""
        import polars as pl
        import pyarrow as pa

        schema = self._empty_frame().schema
        plan: pl.LazyFrame = self.obj
        for predicate in filters:
            plan = plan.filter(to_polars(predicate, schema))
        narrowed = bool(columns)
        if columns:
            plan = plan.select([pl.nth(place) for place in columns])
        declared = plan.head(0).collect().to_arrow().schema
        reader = pa.RecordBatchReader.from_batches(declared, _batches(plan, declared))
        return reader.__arrow_c_stream__(), narrowed


def _batches(plan: pl.LazyFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for frame in plan.collect_batches(chunk_size=_ROWS, engine="streaming"):
        yield from frame.to_arrow().cast(schema).to_batches()
