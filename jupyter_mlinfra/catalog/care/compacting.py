"""Many small data files of a table into few large ones, and rows that were deleted out of them.

Within a partition the rows keep their order. No row comes or goes, so that ingested files, cursors
and those who follow the table's growth still count on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ...core.errors import Conflict
from ...core.frames import exactly
from ...core.waiting import check_waiting
from .. import equality
from ..change import FileChange
from ..filescan import scan_files
from ..integrity import check_before_rewriting
from ..names import DatasetName
from ..rows import scan

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

    from ..conform import Target
    from ..datafiles import DataFiles

SMALL_BYTES = 32 << 20
"""A file below this is small: opening it costs more than reading it."""

_FILE_BYTES = 512 << 20
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one partition that become one, in the order in which a scan reads them."""

    tasks: Sequence[FileScanTask]

    @property
    def bytes(self) -> int:
        return sum(int(task.file.file_size_in_bytes) for task in self.tasks)

    @property
    def files_after(self) -> int:
        """About how many files it makes."""
        return max(1, -(-self.bytes // _FILE_BYTES))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compaction of a snapshot writes again. files: data files of the snapshot."""

    files: int
    groups: Sequence[Group]
    by_value: bool = False

    @property
    def bytes(self) -> int:
        return sum(group.bytes for group in self.groups)

    @property
    def files_after(self) -> int:
        gone = sum(len(group.tasks) for group in self.groups)
        return self.files - gone + sum(group.files_after for group in self.groups)


def plan(table: Table) -> Plan:
    """The files that are worth it: small ones with another in their partition, and those from
    which rows were deleted.
    """
    snapshot = table.current_snapshot()
    if equality.is_needed(table, snapshot):
        tasks = _all(table)
        return Plan(len(tasks), [Group(tasks)], by_value=True)
    tasks = list(table.scan().plan_files())
    partitions: dict[tuple[object, ...], list[FileScanTask]] = {}
    for task in tasks:
        partitions.setdefault((task.file.spec_id, task.file.partition), []).append(task)
    groups = []
    for found in partitions.values():
        small = [
            task
            for task in found
            if task.delete_files or int(task.file.file_size_in_bytes) < SMALL_BYTES
        ]
        if len(small) > 1 or any(task.delete_files for task in small):
            groups.append(Group(small))
    return Plan(len(tasks), groups)


@dataclass
class Compaction:
    """The change that a compaction makes. on_rows: called with the rows written so far, and all.
    before: after `files`, how many data files there were.
    """

    locks: ClassVar = True
    creates: ClassVar = False
    rebases: ClassVar = False

    on_rows: Callable[[int, int], object] = lambda *_: None
    before: int = field(default=0, init=False)
    after: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        return existing or {}

    def files(
        self, table: Table | None, out: DataFiles, targets: Mapping[str, Target]
    ) -> FileChange:
        assert table is not None  # it creates none
        found = plan(table)
        if not found.groups:
            raise NothingToDo(
                f"{'.'.join(table.name())} has no files that are worth it.",
                "They are large, or alone in their partition, and no rows were deleted from them.",
            )
        check_before_rewriting(table, (t.file.file_path for g in found.groups for t in g.tasks))
        total = sum(int(task.file.record_count) for group in found.groups for task in group.tasks)
        for group in found.groups:
            for frame in _rows(table, group, found, targets):
                check_waiting()
                out.add(frame)
                self.on_rows(out.rows, max(total, out.rows))
        added = out.close()
        removed: list[DataFile] = [task.file for group in found.groups for task in group.tasks]
        self.before, self.bytes = found.files, found.bytes
        self.after = found.files - len(removed) + len(added)
        deletes = found.by_value or any(task.delete_files for g in found.groups for task in g.tasks)
        return FileChange(
            added=added, removed=removed, rows=0, keeps_rows=True, without_deletes=deletes
        )


class NothingToDo(Conflict):
    """No file is worth to be written again."""


def _all(table: Table) -> list[FileScanTask]:
    """All data files, where pyiceberg does not plan because of rows deleted by their values."""
    from pyiceberg.manifest import DataFileContent
    from pyiceberg.table import FileScanTask

    snapshot = table.current_snapshot()
    assert snapshot is not None  # it has such rows
    entries = (
        entry
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
    )
    return [
        FileScanTask(entry.data_file)
        for entry in entries
        if entry.data_file.content == DataFileContent.DATA
    ]


def _rows(
    table: Table, group: Group, found: Plan, targets: Mapping[str, Target]
) -> Sequence[pl.DataFrame]:
    """The rows of a group, block by block, with the types of the table."""
    name = DatasetName.of(".".join(table.name()))
    rows = scan(table, name) if found.by_value else scan_files(table, group.tasks)
    schema = rows.collect_schema()
    columns = [
        exactly(column).cast(target.dtype) if schema[column] != target.dtype else exactly(column)
        for column, target in targets.items()
    ]
    return rows.select(columns).collect_batches(  # type: ignore[return-value]
        chunk_size=_BLOCK, engine="streaming", maintain_order=True
    )
