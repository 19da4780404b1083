"""The rows of two snapshots that can differ: those of data files that only one of them has, or of
which one has deleted other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..equality import is_needed
from ..filescan import with_files
from ..names import DatasetName
from ..pieces import block_rows, pieces
from ..rows import plain_scan, scan

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Side:
    """One of the states. rows: lazily. blocks: the same rows in parts that fit into memory, given
    the number of columns. height: how many there are at most. files: their locations. planned:
    whether the files tell which rows there are; not where rows were deleted by their values.
    """

    rows: pl.LazyFrame
    blocks: Callable[[int], Iterator[pl.LazyFrame]]
    height: int
    files: frozenset[str]
    planned: bool = True


def sides(
    table: Table, before: DatasetName, after: DatasetName, *, shared: bool, new: Collection[int]
) -> list[Side]:
    """The rows of both states that can differ. shared: whether the rows of a file that both have
    are the same; otherwise all rows can differ. new: the ids of columns that only the later one
    has: a file with values of theirs has other rows in it.
    """
    snapshots = [_snapshot(table, name) for name in (before, after)]
    if any(map(is_needed, snapshots)):  # rows deleted by their values are in no file's plan
        return [_whole(table, name, item) for name, item in zip((before, after), snapshots)]  # noqa: B905
    plans = [_plan(table, item) for item in snapshots]
    both = plans[0].keys() & plans[1].keys() if shared else set()
    common = {key for key in both if not _may_hold(plans[0][key].file, new)}
    found = []
    for name, plan in zip((before, after), plans, strict=True):
        tasks = [task for key, task in plan.items() if key not in common]
        found.append(
            Side(
                plain_scan(with_files(table, tasks), name),
                partial(_blocks, table, name, tasks),
                sum(int(task.file.record_count) for task in tasks),
                frozenset(task.file.file_path for task in tasks),
            )
        )
    return found


def _snapshot(table: Table, name: DatasetName) -> Snapshot:
    found = table.snapshot_by_id(name.snapshot) if name.snapshot is not None else None
    assert found is not None  # whoever asks has looked
    return found


def _plan(table: Table, snapshot: Snapshot) -> dict[tuple[str, Sequence[str]], FileScanTask]:
    """The files of a snapshot, by location and the files with deleted rows of theirs."""
    tasks = table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
    return {
        (task.file.file_path, tuple(sorted(file.file_path for file in task.delete_files))): task
        for task in tasks
    }


def _may_hold(file: DataFile, ids: Collection[int]) -> bool:
    """Whether a file may have values of one of these columns. Ids grow: a column with a higher one
    than all that the file counts came later.
    """
    values, nulls = file.value_counts or {}, file.null_value_counts or {}
    return any(
        values[number] > nulls.get(number, 0)
        if number in values
        else not values or number < max(values)
        for number in ids
    )


def _blocks(
    table: Table, name: DatasetName, tasks: Sequence[FileScanTask], columns: int
) -> Iterator[pl.LazyFrame]:
    for piece in pieces(tasks, block_rows(columns)):
        files = with_files(table, [tasks[number] for number in piece.files])
        yield plain_scan(files, name).slice(piece.offset, piece.rows)


def _whole(table: Table, name: DatasetName, snapshot: Snapshot) -> Side:
    files = {
        entry.data_file.file_path: int(entry.data_file.record_count)
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
        if not entry.data_file.content
    }
    rows = scan(table, name)
    return Side(rows, lambda _: iter([rows]), sum(files.values()), frozenset(files), planned=False)
