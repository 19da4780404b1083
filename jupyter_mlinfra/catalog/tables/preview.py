"""Rows of a table as JSON-safe values, column by column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ...core.records import MASK
from ..spec import RowBlock

if TYPE_CHECKING:
    import polars as pl

    from . import ReadTable, Shown


def preview(
    table: ReadTable,
    *,
    start: int,
    count: int,
    columns: Sequence[str] | None,
    hidden: Callable[[Sequence[str]], Collection[str]] | None = None,
) -> RowBlock:
    """Rows `start` to `start + count` of what the table shows. hidden: of the columns in the
    answer, those whose values are not in it; the masked ones if it is not given.
    """
    from ..rows import block

    with table.explained():
        shown = table.shown()
        frame = block(shown.rows, start=start, count=count, columns=columns)
        total = _counted(shown) if shown.total is None else shown.total
        masked = (hidden or table.masked)(frame.columns)
    known = {column.name: column for column in shown.columns}
    return RowBlock(
        start=start,
        columns=[known[name] for name in frame.columns],
        data=values_of(frame, masked),
        shown=frame.height,
        total=total,
        snapshot=shown.snapshot,
        masked=[name for name in frame.columns if name in masked],
    )


def values_of(frame: pl.DataFrame, masked: Collection[str]) -> Sequence[Sequence[Any]]:
    """The values of each column, JSON-safe; those of masked ones are not shown."""
    from ..odd_times import python_values
    from ..rows import plain

    return [
        [MASK] * frame.height
        if item.name in masked
        else [plain(value) for value in python_values(item)]
        for item in frame.iter_columns()
    ]


def _counted(shown: Shown) -> int:
    """How many rows there are, by the first column: a file of text need not be read whole."""
    from ..rows import height

    names = [column.name for column in shown.columns]
    return height(shown.rows.select(exactly(names[0])) if names else shown.rows)
