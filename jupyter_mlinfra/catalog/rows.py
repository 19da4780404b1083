"""Rows of a table: lazily for notebooks, as JSON-safe blocks for every interface.

Reads go through Polars, never through pyiceberg's `to_arrow`, which loads whole files for the first
hundred rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, NotFound
from ..core.frames import exactly
from ..core.records import PAGE_LIMIT
from .metadata import no_snapshot
from .names import DatasetName

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

MAX_TEXT_LENGTH = 1000
_MAX_ITEMS = 50
_EXACT_IN_JAVASCRIPT = 2**53


def scan(table: Table, name: DatasetName) -> pl.LazyFrame:
    """The rows at the snapshot of `name`, else at the newest. Raises NotFound for a snapshot that
    the table does not have.
    """
    from . import equality

    current = (table.metadata.current_snapshot_id, table.metadata.current_schema_id)
    if name.columns is not None and (name.snapshot, name.columns) == current:
        # The frame may be pickled; it is then read from the metadata file as it is.
        name = replace(name, snapshot=None, columns=None)
    asked = name.snapshot
    snapshot = table.current_snapshot() if asked is None else table.snapshot_by_id(asked)
    if snapshot is not None and equality.is_needed(table, snapshot):
        return equality.scan(with_columns_of(table, name), name, snapshot)
    return plain_scan(table, name)


def plain_scan(table: Table, name: DatasetName) -> pl.LazyFrame:
    """As `scan`, of a table without rows that were deleted by their values."""
    import polars as pl

    return pl.scan_iceberg(
        with_columns_of(table, name),
        snapshot_id=name.snapshot,
        storage_options=storage_options(table),
    )


def with_columns_of(table: Table, name: DatasetName) -> Table:
    """The table, with the columns that `name` asks for put into the snapshot that it names, from
    where every reader takes them.

    Raises NotFound for a snapshot or columns that the table does not have.
    """
    if name.snapshot is None:
        return table
    snapshot = table.snapshot_by_id(name.snapshot)
    if snapshot is None:
        known = [item.snapshot_id for item in table.snapshots()]
        raise no_snapshot(name, name.snapshot, known)
    # Older writers do not record it.
    written = table.metadata.current_schema_id if snapshot.schema_id is None else snapshot.schema_id
    columns = written if name.columns is None else name.columns
    if columns == snapshot.schema_id:
        return table
    if columns not in table.schemas():
        raise NotFound(
            f"{name.text} has no columns of number {columns}.",
            "It never had, or they have expired.",
            f"Open {name.text} without a snapshot.",
        )
    snapshots = [
        item.model_copy(update={"schema_id": columns}) if item == snapshot else item
        for item in table.snapshots()
    ]
    metadata = table.metadata.model_copy(update={"snapshots": snapshots})
    # there is no such file, so a pickled frame fails where it would read other columns
    location = f"{table.metadata_location}#columns={columns}"
    return type(table)(table.name(), metadata, location, table.io, table.catalog, table.config)


def storage_options(table: Table) -> dict[str, Any] | None:
    """What Polars needs to access the storage; without it a scan would ignore the catalog's
    endpoint and keys.
    """
    options = {
        key: value
        for key, value in table.io.properties.items()
        if key.partition(".")[0] in ("s3", "gcs", "adls", "client")
    }
    return options or None


def file_options(table: Table) -> dict[str, Any] | None:
    """What Polars needs to read one file of the table; only in a scan of a table it understands
    Iceberg's words.
    """
    from polars.io.iceberg._dataset import _convert_iceberg_to_object_store_storage_options

    options = storage_options(table)
    return _convert_iceberg_to_object_store_storage_options(options) if options else None


def block(
    frame: pl.LazyFrame, *, start: int, count: int, columns: Sequence[str] | None
) -> pl.DataFrame:
    """Rows `start` to `start + count`. Raises BadRequest for an impossible range or column."""
    check_block(start, count)
    if columns is not None:
        names = frame.collect_schema().names()
        if unknown := [name for name in columns if name not in names]:
            raise BadRequest(
                f"There is no column {unknown[0]!r}.", fix=f"Columns: {', '.join(names[:20])}."
            )
        frame = frame.select(map(exactly, dict.fromkeys(columns)))
    return frame.slice(start, count).collect()


def check_block(start: int, count: int) -> None:
    """Raise BadRequest for an impossible range of rows."""
    if start < 0 or not 1 <= count <= PAGE_LIMIT:
        raise BadRequest(
            f"start={start}, count={count} is out of range.",
            f"start is at least 0, count is 1 to {PAGE_LIMIT}.",
            "Ask for less and go on from there.",
        )


def height(frame: pl.LazyFrame) -> int:
    """The number of rows, read from the files' footers."""
    import polars as pl

    return int(frame.select(pl.len()).collect().item())


def plain(value: Any) -> Any:
    """A value as JSON can carry it: long text is cut and its length added, whole numbers that
    JavaScript would round become text.
    """
    if isinstance(value, str):
        return (
            value
            if len(value) <= MAX_TEXT_LENGTH
            else f"{value[:MAX_TEXT_LENGTH]}… ({len(value):,} characters)"
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT_IN_JAVASCRIPT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return (
            value.astimezone(UTC).isoformat().replace("+00:00", "Z")
            if value.tzinfo
            else value.isoformat()
        )
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"0x{value[:32].hex()}" + (f"… ({len(value):,} bytes)" if len(value) > 32 else "")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        shown = [plain(item) for item in value[:_MAX_ITEMS]]
        return shown if len(value) <= _MAX_ITEMS else [*shown, f"… ({len(value):,} items)"]
    return str(value) if isinstance(value, Decimal | timedelta) else repr(value)
