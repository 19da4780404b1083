"""A few of the rows that differ between two states, JSON-safe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ...core.records import MASK
from ..rows import plain, python_values, with_odd_times_as_text
from .columns import Pair
from .counting import ID, Counted, with_ids
from .sides import Side
from .spec import ExampleRows, Examples

if TYPE_CHECKING:
    import polars as pl


def examples_of(
    counted: Counted,
    before: Side,
    after: Side,
    columns: Sequence[Pair],
    key: Sequence[str],
    masked: Collection[str],
) -> Examples:
    """The rows with the ids that were counted. masked: columns whose values are not shown."""
    added, removed, changed = counted.ids
    names = [pair.after for pair in columns]

    def rows(side: Side, ids: pl.DataFrame, *, is_after: bool) -> pl.DataFrame:
        return _rows(with_ids(side, columns, key, after=is_after), ids)

    def shown(frame: pl.DataFrame) -> list[list[Any]]:
        return _shown(frame.select(names), masked)

    old, new = rows(before, changed, is_after=False), rows(after, changed, is_after=True)
    return Examples(
        added=ExampleRows(columns=names, data=shown(rows(after, added, is_after=True))),
        removed=ExampleRows(columns=names, data=shown(rows(before, removed, is_after=False))),
        changed=ExampleRows(columns=names, data=shown(new), before=shown(old)),
    )


def _rows(rows: pl.LazyFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """One row for each id, in the order of the ids."""
    if ids.is_empty():
        return rows.clear().collect()
    found = rows.join(ids.lazy(), on=ID, how="semi").unique(ID, keep="any")
    return found.collect(engine="streaming").sort(ID)


def _shown(frame: pl.DataFrame, masked: Collection[str]) -> list[list[Any]]:
    return [
        [MASK] * frame.height
        if column.name in masked
        else [plain(value) for value in python_values(column)]
        for column in with_odd_times_as_text(frame).iter_columns()
    ]
