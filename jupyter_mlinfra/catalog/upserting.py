"""Rows into a table by their key: a row takes the place of the earlier ones with its key, or is
added.

Earlier rows are looked up in the files that can have their key. A file is written anew only if one
of its rows gets another value, and a row that is in the table already as it is, is not written. A
commit of another writer makes the change look again, since it may have brought the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import exactly
from .change import FileChange
from .conform import Target
from .dtypes import short_dtype
from .filescan import scan_files
from .integrity import check_before_rewriting
from .reading import say
from .staged import NUMBER, Staged, stage
from .widening import rewritten

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask, Table

    from .datafiles import DataFiles
    from .intake import Rows

_FILE, _PLACE, _SAME, _NEW = "\0file", "\0place", "\0same", "\0new"
"""No column can have such a name. _NEW: at the end of a column's name, its values in the input."""

_BLOCK = 1 << 17


class UpsertChange:
    """Rows by their key. folder: empty, for rows that wait; the caller deletes it."""

    creates: ClassVar = True
    rebases: ClassVar = False
    locks: ClassVar = True

    def __init__(self, rows: Rows, key: Sequence[str], folder: Path) -> None:
        self._rows, self._key, self._folder = rows, key, folder
        self._targets: Mapping[str, Target] = {}
        self._staged: Staged | None = None

    @property
    def dropped(self) -> int:
        """Rows of the input whose key a later one had; after `files`."""
        return self._staged.dropped if self._staged else 0

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        targets = self._rows.plan(existing)
        _refuse_rewriting(rewritten(existing or {}, targets))
        for name in self._key:
            if name not in targets:
                columns = ", ".join(list(targets)[:20])
                raise BadRequest(
                    f"There is no column {name!r} for the key.", f"Columns: {columns}."
                )
            _check_key(name, targets[name].dtype)
            if existing is not None and name not in existing:
                raise BadRequest(
                    f"The dataset has no column {name!r} for the key yet.",
                    "So none of its rows could be found again.",
                    "Append the rows, or name a column that the dataset has.",
                )
        return targets

    def files(
        self, table: Table | None, out: DataFiles, targets: Mapping[str, Target]
    ) -> FileChange:
        staged = self._stage(targets)
        if not staged.rows:
            return FileChange()
        if table is None:
            _write(out, staged.scan(), targets)
            return FileChange(added=out.close(), rows=staged.rows)
        tasks = _candidates(table, staged)
        matches = _matches(table, tasks, staged, targets)
        by_row = _by_row(matches)
        idle = by_row.filter(_SAME).select(NUMBER)
        gone = matches.join(idle, on=NUMBER, how="anti").sort(_FILE)
        removed = []
        for places in gone.partition_by(_FILE, maintain_order=True):
            removed.append(tasks[places[_FILE][0]])
            check_before_rewriting(table, [removed[-1].file.file_path])
            _write(out, _rest(table, removed[-1], places), targets)
        work = staged.scan().join(idle.lazy(), on=NUMBER, how="anti", maintain_order="left")
        _write(out, work, targets)
        return FileChange(
            added=out.close(),
            removed=[task.file for task in removed],
            rows=staged.rows - idle.height,
            updated=by_row.height - idle.height,
            keeps_files=True,
        )

    def _stage(self, targets: Mapping[str, Target]) -> Staged:
        """The rows on disk; as they are, if they have been put there in these types."""
        if self._staged is None or self._targets != targets:
            demanded = {
                name: replace(target, required=target.required or name in self._key)
                for name, target in targets.items()
            }
            for file in self._folder.iterdir():
                file.unlink()
            self._staged = stage(self._rows.frames(demanded), self._key, self._folder)
            self._targets = dict(targets)
        return self._staged


def _refuse_rewriting(columns: Mapping[str, pl.DataType]) -> None:
    """Raise Unprocessable for columns for which all files would have to be written again."""
    for name, dtype in columns.items():
        raise Unprocessable(
            f"Column {name!r} cannot become {short_dtype(dtype)} by an upsert.",
            "An upsert writes only the files of the rows that it changes.",
            "Give the rows the type of the column, or widen it first with rows that are added"
            f" ({say('schema', f'{name}={short_dtype(dtype)}')}).",
        )


def _check_key(name: str, dtype: pl.DataType) -> None:
    """Raise Unprocessable for a type whose values are not found again for certain."""
    if dtype.is_float() or dtype.is_nested():
        raise Unprocessable(
            f"Column {name!r} cannot be the key.",
            f"It holds {short_dtype(dtype)}: such values are not compared for equality.",
            "Choose columns of whole numbers, text, dates or times; or convert it before.",
        )


def _candidates(table: Table, staged: Staged) -> list[FileScanTask]:
    """The files that may have rows with these keys, by the bounds that the manifests keep."""
    from pyiceberg.expressions import (
        AlwaysTrue,
        And,
        GreaterThanOrEqual,
        LessThanOrEqual,
        Reference,
    )
    from pyiceberg.expressions.literals import literal

    columns = [exactly(name) for name in staged.key]
    lowest, highest = (
        staged.scan().select(bound).collect().row(0)
        for bound in ([item.min() for item in columns], [item.max() for item in columns])
    )
    within: BooleanExpression = AlwaysTrue()
    for name, low, high in zip(staged.key, lowest, highest, strict=True):
        if type(low) in (int, str):
            lower = GreaterThanOrEqual(term=Reference(name), value=literal(low))
            upper = LessThanOrEqual(term=Reference(name), value=literal(high))
            within = And(within, lower, upper)
    try:
        return list(table.scan(row_filter=within).plan_files())
    except TypeError:  # pyiceberg compares the null of a partition
        return list(table.scan().plan_files())


def _matches(
    table: Table, tasks: Sequence[FileScanTask], staged: Staged, targets: Mapping[str, Target]
) -> pl.DataFrame:
    """For each row of these files with the key of a staged one: its file and its place there, the
    number of the staged row, and whether both are the same.
    """
    import polars as pl

    # Nothing but their place tells the files of one scan apart. How many rows a file has from
    # which some were deleted, its manifest does not say.
    plain = [number for number, task in enumerate(tasks) if not task.delete_files]
    single = [[number] for number, task in enumerate(tasks) if task.delete_files]
    found = [_none()]
    for numbers in [*([plain] if plain else []), *single]:
        files = scan_files(table, [tasks[number] for number in numbers])
        old = _as_wide(files, targets).with_row_index(_PLACE)
        begins = [0]
        for number in numbers[:-1]:
            begins.append(begins[-1] + tasks[number].file.record_count)
        for part in range(staged.parts):
            new = staged.part(staged.scan(), part)
            rows = _joined(staged.part(old, part), new, staged.key, targets)
            found.append(_by_file(rows.collect(engine="streaming"), numbers, begins))
    return pl.concat(found)


def _joined(
    old: pl.LazyFrame, new: pl.LazyFrame, key: Sequence[str], targets: Mapping[str, Target]
) -> pl.LazyFrame:
    import polars as pl

    names = set(old.collect_schema())
    same = [
        exactly(name).eq_missing(exactly(f"{name}{_NEW}"))
        if name in names
        else exactly(name).is_null()  # a column that the table has not yet
        for name in targets
        if name not in key
    ]
    rows = old.join(new, on=[exactly(name) for name in key], how="inner", suffix=_NEW)
    whole = pl.all_horizontal(same) if same else pl.lit(value=True)
    return rows.select(_PLACE, NUMBER, whole.alias(_SAME))


def _by_file(rows: pl.DataFrame, numbers: Sequence[int], begins: Sequence[int]) -> pl.DataFrame:
    """The rows with the number of their file and their place in it, instead of that in all."""
    import polars as pl

    place = rows[_PLACE].cast(pl.Int64)
    index = pl.Series(begins, dtype=pl.Int64).search_sorted(place, side="right") - 1
    return rows.select(
        pl.Series(_FILE, numbers, dtype=pl.UInt32).gather(index),
        (place - pl.Series(begins, dtype=pl.Int64).gather(index)).cast(pl.get_index_type()),
        NUMBER,
        _SAME,
    )


def _none() -> pl.DataFrame:
    import polars as pl

    index = pl.get_index_type()
    return pl.DataFrame(schema={_FILE: pl.UInt32, _PLACE: index, NUMBER: index, _SAME: pl.Boolean})


def _by_row(matches: pl.DataFrame) -> pl.DataFrame:
    """The staged rows that have matches, and whether the table has them as they are, once."""
    import polars as pl

    same = (pl.len() == 1) & pl.col(_SAME).all()
    return matches.group_by(NUMBER).agg(same.alias(_SAME))


def _rest(table: Table, task: FileScanTask, places: pl.DataFrame) -> pl.LazyFrame:
    """The rows of a file without those at these places."""
    rows = scan_files(table, [task]).with_row_index(_PLACE)
    kept = rows.join(places.lazy(), on=_PLACE, how="anti", maintain_order="left")
    return kept.drop(_PLACE)


def _as_wide(rows: pl.LazyFrame, targets: Mapping[str, Target]) -> pl.LazyFrame:
    """The rows with the types that their columns get."""
    schema = rows.collect_schema()
    return rows.with_columns(
        exactly(name).cast(target.dtype)
        for name, target in targets.items()
        if name in schema and schema[name] != target.dtype
    )


def _write(out: DataFiles, rows: pl.LazyFrame, targets: Mapping[str, Target]) -> None:
    import polars as pl

    rows = _as_wide(rows, targets)
    names = set(rows.collect_schema())
    columns = [
        exactly(name) if name in names else pl.lit(None, dtype=target.dtype).alias(name)
        for name, target in targets.items()
    ]
    for frame in rows.select(columns).collect_batches(chunk_size=_BLOCK, engine="streaming"):
        out.add(frame)
