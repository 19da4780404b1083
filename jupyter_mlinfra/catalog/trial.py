"""An ingest as it would be: all rows are read and judged, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .spec import IngestReport
from .widening import changes, short_schema

if TYPE_CHECKING:
    from .conform import Target
    from .intake import FileRows


def trial(name: str, rows: FileRows, existing: Mapping[str, Target] | None) -> IngestReport:
    """The counts and the columns of an ingest into dataset `name`. existing: its columns that stay;
    None if it has none. Raises what the ingest would raise.
    """
    targets = rows.plan(existing)
    written = sum(frame.height for frame in rows.frames(targets))
    return IngestReport(
        dataset=name,
        rows_written=written,
        quarantined=len(rows.quarantine.rows),
        snapshot=None,
        columns=list(targets),
        schema=short_schema(targets),
        schema_changes=changes(existing, targets),
    )
