"""The rows of two snapshots that can differ: those of data files that only one of them has, or of
which one has deleted other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ..equality import Group, groups, is_needed
from ..filescan import with_files
from ..names import DatasetName
from ..pieces import block_rows, pieces
from ..rows import plain_scan, with_columns_of

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

Key = tuple[str, Sequence[str], Sequence[str]]


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
    found = [
        _groups(table, name, item) for name, item in zip((before, after), snapshots, strict=True)
    ]
    keys = [
        {_key(group, task): task for group in groups for task in group.tasks} for groups in found
    ]
    both = keys[0].keys() & keys[1].keys() if shared else set()
    common = {key for key in both if not _may_hold(keys[0][key].file, new)}
    # What the files of a plan say of themselves does not count rows deleted by their values.
    planned = not any(is_needed(table, item) for item in snapshots)
    return [
        _side(table, name, groups, common, planned=planned)
        for name, groups in zip((before, after), found, strict=True)
    ]


def _side(
    table: Table,
    name: DatasetName,
    groups: Sequence[Group],
    common: Collection[Key],
    *,
    planned: bool,
) -> Side:
    """Of a state, the files that are not in common."""
    import polars as pl

    own = [
        replace(group, tasks=[task for task in group.tasks if _key(group, task) not in common])
        for group in groups
    ]
    own = [group for group in own if group.tasks]
    frames = [
        group.left_of(plain_scan(with_files(table, group.tasks), name))
        for group in own or [Group(())]
    ]
    tasks = [task for group in own for task in group.tasks]
    return Side(
        frames[0] if len(frames) == 1 else pl.concat(frames),
        partial(_blocks, table, name, own),
        sum(int(task.file.record_count) for task in tasks),
        frozenset(task.file.file_path for task in tasks),
        planned,
    )


def _snapshot(table: Table, name: DatasetName) -> Snapshot:
    found = table.snapshot_by_id(name.snapshot) if name.snapshot is not None else None
    assert found is not None  # whoever asks has looked
    return found


def _groups(table: Table, name: DatasetName, snapshot: Snapshot) -> Sequence[Group]:
    """The files of a snapshot."""
    if is_needed(table, snapshot):
        return groups(with_columns_of(table, name), name, snapshot)
    return [Group(list(table.scan(snapshot_id=snapshot.snapshot_id).plan_files()))]


def _key(group: Group, task: FileScanTask) -> Key:
    """What tells the rows of a file: where it is, and which files say what of it is deleted."""
    deletes = tuple(sorted(file.file_path for file in task.delete_files))
    return task.file.file_path, deletes, group.deletes


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
    table: Table, name: DatasetName, groups: Sequence[Group], columns: int
) -> Iterator[pl.LazyFrame]:
    for group in groups:
        for piece in pieces(group.tasks, block_rows(columns)):
            files = with_files(table, [group.tasks[number] for number in piece.files])
            yield group.left_of(plain_scan(files, name).slice(piece.offset, piece.rows))
