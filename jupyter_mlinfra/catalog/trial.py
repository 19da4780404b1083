"""An ingest as it would be: all rows are read and judged, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .change import WriteMode
from .evolving import targets_of
from .spec import IngestReport
from .ways import changing, notes_of
from .widening import changes, short_schema

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from .intake import FileRows
    from .quality.guarding import Guard


class _Nowhere:
    """Takes the place of `DataFiles`."""

    def add(self, _: pl.DataFrame) -> None:
        """Nothing is written."""

    def close(self) -> list[DataFile]:
        return []


def trial(
    name: str,
    rows: FileRows,
    table: Table | None,
    mode: WriteMode,
    *,
    key: Sequence[str],
    scratch: Path,
    guard: Guard | None,
) -> IngestReport:
    """The counts and the columns of an ingest into dataset `name`. table: it, if it exists.
    scratch: a folder for rows that wait. guard: its rules. Raises what the ingest would raise.
    """
    existing = None if table is None else targets_of(table.schema())
    with changing(rows, mode, key, scratch) as change:
        targets = change.plan(existing)
        if mode == "upsert":
            out: Any = _Nowhere()
            done = change.files(table, out, targets)
            written, updated = done.rows, done.updated
        else:  # earlier rows need not be read
            written, updated = sum(frame.height for frame in rows.frames(targets)), 0
        if guard is not None:
            guard.check()
        notes = notes_of(change)
    return IngestReport(
        dataset=name,
        rows_written=written,
        rows_updated=updated,
        quarantined=len(rows.quarantine.rows),
        snapshot=None,
        columns=list(targets),
        schema=short_schema(targets),
        schema_changes=changes(existing, targets),
        notes=notes,
        rules_failed=guard.warnings if guard else (),
    )
