"""Some of a table's data files, read as a scan of the whole table reads them: columns by their ids,
without the rows that delete files name, with the keys of the catalog's storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .rows import storage_options

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import DataScan, FileScanTask, Table


def scan_files(table: Table, tasks: Sequence[FileScanTask]) -> pl.LazyFrame:
    """The rows of these files, lazily, file by file in this order, with the present columns.
    tasks: of a plan of the table's newest snapshot.
    """
    import polars as pl

    return pl.scan_iceberg(with_files(table, tasks), storage_options=storage_options(table))


def with_files(table: Table, tasks: Sequence[FileScanTask]) -> Table:
    """The table, for readers to whom these are all of its files."""
    from pyiceberg.table import DataScan, Table

    class Planned(DataScan):
        def plan_files(self) -> Sequence[FileScanTask]:
            return tasks

    class Part(Table):
        def scan(self, *given: Any, **named: Any) -> DataScan:
            return Planned(**vars(super().scan(*given, **named)))

    # There is no such file: a pickled frame fails, where it would read all rows.
    location = f"{table.metadata_location}#files"
    return Part(table.name(), table.metadata, location, table.io, table.catalog, table.config)
