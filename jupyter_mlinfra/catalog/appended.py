"""The rows that were added to a dataset since one of its snapshots, while it only grew."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..core.errors import Conflict
from .filescan import with_files
from .metadata import Metadata, ancestors, keeps_rows, snapshot_of
from .names import DatasetName
from .rows import scan, with_columns_of

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table


def grown_from(name: DatasetName, metadata: Metadata, snapshots: Collection[str]) -> str | None:
    """The newest of these snapshots of the dataset; None if there are none. Raises Conflict if
    `name` has not the rows of that snapshot and further ones.
    """
    if not snapshots:
        return None
    newest = snapshot_of(name, metadata)
    for entry in ancestors(metadata, newest["snapshot-id"] if newest else None):
        if str(entry["snapshot-id"]) in snapshots:
            return str(entry["snapshot-id"])
        if not (entry.get("summary") or {}).get(
            "operation"
        ):  # rows that were added in it would not be found either
            raise _rewritten(name, f"Snapshot {entry['snapshot-id']} does not say what it did.")
        if not keeps_rows(entry):
            raise _rewritten(name, f"Snapshot {entry['snapshot-id']} replaced or deleted rows.")
    raise _rewritten(name, "The snapshot from which to go on is none of those before this one.")


def appended(table: Table, name: DatasetName, since: str) -> pl.LazyFrame:
    """The rows of `name` that snapshot `since`, from which it has grown, had not: lazily, always in
    the same order, with the columns of `name`. Raises Conflict if columns have other names or types
    since.
    """
    import polars as pl
    from pyiceberg.table import FileScanTask

    newest = name.snapshot or table.metadata.current_snapshot_id
    tasks = list[FileScanTask]()
    if newest != int(since):
        grown = table.incremental_append_scan(
            from_snapshot_id_exclusive=int(since), to_snapshot_id_inclusive=newest
        )
        tasks = sorted(grown.plan_files(), key=lambda task: task.file.file_path)
    _check_columns(table, name, int(since))
    if not tasks:
        return pl.LazyFrame(schema=scan(table, name).collect_schema())
    return scan(with_files(table, tasks), name)


def _check_columns(table: Table, name: DatasetName, since: int) -> None:
    """Who follows the rows knows their columns by name, so a name must mean the same in all."""
    schemas, newest = table.schemas(), _schema(table, name)
    snapshot = table.snapshot_by_id(name.snapshot) if name.snapshot else table.current_snapshot()
    while snapshot is not None and snapshot.snapshot_id != since:
        number = snapshot.schema_id
        older = newest if number is None else schemas.get(number, newest)
        for field in older.fields:
            now = next((item for item in newest.fields if item.field_id == field.field_id), None)
            if now is not None and (now.name, now.field_type) != (field.name, field.field_type):
                raise _rewritten(name, f"Column {field.name} has another name or type by now.")
        names = {field.name: field.field_id for field in newest.fields}
        if renewed := [f.name for f in older.fields if names.get(f.name, f.field_id) != f.field_id]:
            raise _rewritten(name, f"Column {renewed[0]} is another one by now.")
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None


def _schema(table: Table, name: DatasetName) -> Schema:
    if name.snapshot is None:
        return table.schema()
    pinned = with_columns_of(table, name).snapshot_by_id(name.snapshot)
    number = pinned.schema_id if pinned is not None else None
    return table.schemas()[table.metadata.current_schema_id if number is None else number]


def _rewritten(name: DatasetName, why: str) -> Conflict:
    return Conflict(
        f"{name.text} has not only grown since then.",
        why,
        "Take all of its rows instead of the new ones.",
    )
