"""A few of the rows that differ between two states, JSON-safe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ...core.records import MASK
from ..odd_times import python_values
from ..rows import plain
from ..uuids import UUID, Uuids, with_text
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
    uuids: Uuids,
) -> Examples:
    """The rows with the ids that were counted. masked: columns whose values are not shown. uuids:
    those of UUIDs.
    """
    added, removed, changed = counted.ids
    names = [pair.after for pair in columns]

    def rows(side: Side, ids: pl.DataFrame, *, is_after: bool) -> pl.DataFrame:
        return _rows(side, columns, key, ids, is_after=is_after)

    def shown(frame: pl.DataFrame) -> list[list[Any]]:
        return _shown(frame.select(map(exactly, names)), masked, uuids)

    old, new = rows(before, changed, is_after=False), rows(after, changed, is_after=True)
    return Examples(
        added=ExampleRows(columns=names, data=shown(rows(after, added, is_after=True))),
        removed=ExampleRows(columns=names, data=shown(rows(before, removed, is_after=False))),
        changed=ExampleRows(columns=names, data=shown(new), before=shown(old)),
    )


def _rows(
    side: Side, columns: Sequence[Pair], key: Sequence[str], ids: pl.DataFrame, *, is_after: bool
) -> pl.DataFrame:
    """One row for each id, in the order of the key, else of the ids."""
    import polars as pl

    found = with_ids(side.rows, columns, key, after=is_after).clear().collect()
    for block in side.blocks(len(columns)):
        if found.height == ids.height:
            break
        rows = with_ids(block, columns, key, after=is_after).join(ids.lazy(), on=ID, how="semi")
        more = rows.collect(engine="streaming")
        found = pl.concat([found, more]).unique(ID, keep="any")
    flat = [name for name in key if not found.schema[name].is_nested()]
    return found.sort(*flat, *ID)


def _shown(frame: pl.DataFrame, masked: Collection[str], uuids: Uuids) -> list[list[Any]]:
    import polars as pl

    schema = frame.schema
    bytes_of = {
        name: kind
        for name, kind in uuids.items()
        if name in schema and (kind != UUID or schema[name] == pl.Binary())
    }
    frame = with_text(frame.lazy(), bytes_of).collect()
    return [
        [MASK] * frame.height
        if column.name in masked
        else [plain(value) for value in python_values(column)]
        for column in frame.iter_columns()
    ]
