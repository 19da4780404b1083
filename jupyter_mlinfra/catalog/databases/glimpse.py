"""What an ingest of a table of a database would read, judged by its first rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from ..conform import Target
from ..inspection import told
from ..intake import FileRows
from ..reading import Reading
from ..spec import Inspection, ReadFile
from .bringing import as_written
from .reading import TableSource, explained, opened
from .urls import DatabaseTable

if TYPE_CHECKING:
    import polars as pl

HEAD_ROWS = 1000


class _Head(TableSource):
    """Its first rows."""

    def frames(self) -> Iterator[pl.DataFrame]:
        left = HEAD_ROWS
        for frame in super().frames():
            yield frame.head(left)
            left -= frame.height
            if left <= 0:
                return


def inspect_table(
    table: DatabaseTable,
    reading: Reading,
    *,
    name: str | None,
    schema: Mapping[str, Target] | None,
    append: bool,
    masked: Collection[str] = (),
) -> Inspection:
    """The columns of a table with their types, and its first rows.

    schema: of the dataset `name`, None if it does not exist. masked: columns whose values are not
    shown. Raises NotFound for a table that does not exist, Unavailable for a database that cannot
    be reached.
    """
    with opened(table) as database:
        with explained(table):
            count = database.count(None)
        source = _Head(table, database, asked=reading.types)
        rows = FileRows([source], as_written(reading), strict=False)
        rows.quarantine.masked = masked
        known = schema if append and schema is not None else {}
        targets = rows.plan(known or None)
        return told(
            rows,
            targets,
            reading,
            name=name,
            exists=schema is not None,
            in_dataset=known,
            files=[ReadFile(path=table.shown, kind="table", bytes=0)],
            masked=masked,
            notes=[f"The table has {count:,} row{'s' * (count != 1)}."],
            whole=count <= HEAD_ROWS,
        )
