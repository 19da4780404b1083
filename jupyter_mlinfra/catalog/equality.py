"""Rows of a table in which other engines deleted rows by their values (equality deletes), which
neither pyiceberg nor Polars reads.

Such a file holds the values of some columns; rows with the same values in data files of earlier
commits, and of the same partition, are gone. Source: https://iceberg.apache.org/spec/#scan-planning
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from ..core.frames import exactly
from .filescan import with_files

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import ManifestEntry
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

    from .names import DatasetName


def is_needed(table: Table, snapshot: Snapshot | None) -> bool:
    """Whether a snapshot has rows that were deleted by their values."""
    from pyiceberg.manifest import DataFileContent, ManifestContent

    if snapshot is None:
        return False
    if _told(snapshot) not in (None, "0"):
        return True
    # Totals are optional, and a commit on one without them, which may be gone, counts from 0.
    known = table.metadata.snapshots
    ids = {None, *(item.snapshot_id for item in known)}
    if None not in map(_told, known) and all(item.parent_snapshot_id in ids for item in known):
        return False
    return any(
        entry.data_file.content == DataFileContent.EQUALITY_DELETES
        for manifest in snapshot.manifests(table.io)
        if manifest.content == ManifestContent.DELETES
        for entry in manifest.fetch_manifest_entry(table.io)
    )


def _told(snapshot: Snapshot) -> str | None:
    """How many such rows its summary tells; None if it does not."""
    return None if snapshot.summary is None else snapshot.summary["total-equality-deletes"]


@dataclass(frozen=True, slots=True)
class Group:
    """Data files of which the same rows are gone. gone: by which columns, and their values.
    deletes: the files that say so.
    """

    tasks: Sequence[FileScanTask]
    gone: Sequence[tuple[Sequence[pl.Expr], pl.LazyFrame]] = ()
    deletes: tuple[str, ...] = ()

    def left_of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Those rows of these files that are not gone, in their order."""
        for key, values in self.gone:
            rows = rows.join(values, on=key, how="anti", nulls_equal=True, maintain_order="left")
        return rows


def scan(table: Table, name: DatasetName, snapshot: Snapshot) -> pl.LazyFrame:
    """The rows of that snapshot, lazily. name: as for `rows.scan`. Raises Unprocessable if they
    were deleted by a column that the table has no more.
    """
    import polars as pl

    from .rows import plain_scan

    frames = [
        group.left_of(plain_scan(with_files(table, group.tasks), name))
        for group in groups(table, name, snapshot)
    ]
    return pl.concat(frames) if frames else plain_scan(with_files(table, []), name)


def groups(table: Table, name: DatasetName, snapshot: Snapshot) -> list[Group]:
    """The data files of a snapshot. Raises as `scan`."""
    from pyiceberg.manifest import DataFileContent
    from pyiceberg.table import FileScanTask, ManifestGroupPlanner

    from .rows import plain_scan

    manifests = snapshot.manifests(table.io)
    entries = [entry for item in manifests for entry in item.fetch_manifest_entry(table.io)]
    by_value = DataFileContent.EQUALITY_DELETES
    deletes = [entry for entry in entries if entry.data_file.content == by_value]
    data = {entry.data_file.file_path: entry for entry in entries}
    planner = ManifestGroupPlanner(table.metadata, table.io)
    found: dict[tuple[int, ...], list[FileScanTask]] = {}
    for task in planner.plan_files(manifests, lambda entry: entry.data_file.content != by_value):
        concerned = _concerned(table, data[task.file.file_path], deletes)
        found.setdefault(concerned, []).append(task)

    def gone(number: int) -> tuple[Sequence[pl.Expr], pl.LazyFrame]:
        file = deletes[number].data_file
        key = [exactly(column) for column in _columns(table, name, file.equality_ids or ())]
        return key, plain_scan(with_files(table, [FileScanTask(file)]), name).select(key)

    return [
        Group(
            tasks,
            [gone(number) for number in numbers],
            tuple(sorted(deletes[number].data_file.file_path for number in numbers)),
        )
        for numbers, tasks in found.items()
    ]


def _concerned(
    table: Table, data: ManifestEntry, deletes: Sequence[ManifestEntry]
) -> tuple[int, ...]:
    """The numbers of the delete files that concern a data file."""
    specs = table.specs()

    def concerns(entry: ManifestEntry) -> bool:
        file = entry.data_file
        same = (file.spec_id, file.partition) == (data.data_file.spec_id, data.data_file.partition)
        later = (entry.sequence_number or 0) > (data.sequence_number or 0)
        return later and (same or specs[file.spec_id].is_unpartitioned())

    return tuple(number for number, entry in enumerate(deletes) if concerns(entry))


def _columns(table: Table, name: DatasetName, ids: Sequence[int]) -> list[str]:
    """The present names of columns."""
    snapshot = table.snapshot_by_id(name.snapshot) if name.snapshot is not None else None
    number = snapshot.schema_id if snapshot is not None else None
    schema = table.schema() if number is None else table.schemas()[number]
    names = {field.field_id: field.name for field in schema.fields}
    if missing := [number for number in ids if number not in names]:
        raise Unprocessable(
            f"{name.text} cannot be read.",
            f"Rows were deleted by the values of column {missing[0]}, which it has no more.",
            "Rewrite its files (compaction) with the engine that deleted the rows.",
        )
    return [names[number] for number in ids]
