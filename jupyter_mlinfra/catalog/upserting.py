"""Rows into a table by their key: a row takes the place of the earlier ones with its key, or is
added.

Earlier rows are looked up in the files that can have their key. A file is written anew only if one
of its rows gets another value, and a row that is in the table already as it is, is not written. A
commit of another writer makes the change look again, since it may have brought the same keys.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import exactly
from .change import FileChange
from .conform import Target
from .dtypes import short_dtype
from .integrity import check_before_rewriting
from .matching import Matches
from .reading import say
from .staged import Staged, stage
from .widening import rewritten

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask, Table

    from .datafiles import DataFiles
    from .intake import Rows

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
                    f"There is no column {name!r} for the key.",
                    f"Columns: {columns}.",
                    "Name some of these; several by --key A --key B (in Python key=['A', 'B']).",
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
        import polars as pl

        staged = self._stage(targets)
        if not staged.rows:
            return FileChange()
        if table is None:
            for frame in staged.frames():
                _write(out, frame, targets)
            return FileChange(added=out.close(), rows=staged.rows)
        tasks = _candidates(table, staged)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            matches = Matches(table, tasks, staged, targets, Path(folder))
            removed = [tasks[number].file for number in matches.changed]
            check_before_rewriting(table, (file.file_path for file in removed))
            for frame in matches.rest():
                _write(out, frame, targets)
        begin = 0
        for frame in staged.frames():
            idle = matches.idle[begin : begin + frame.height]
            _write(out, frame.filter(pl.Series(~idle)), targets)
            begin += frame.height
        return FileChange(
            added=out.close(),
            removed=removed,
            rows=staged.rows - int(matches.idle.sum()),
            updated=matches.updated,
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
        staged.scan().select(bound).collect(engine="streaming").row(0)
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


def _write(out: DataFiles, rows: pl.DataFrame, targets: Mapping[str, Target]) -> None:
    import polars as pl

    names = set(rows.columns)
    columns = [
        exactly(name) if name in names else pl.lit(None, dtype=target.dtype).alias(name)
        for name, target in targets.items()
    ]
    for block in rows.select(columns).iter_slices(_BLOCK):
        out.add(block)
