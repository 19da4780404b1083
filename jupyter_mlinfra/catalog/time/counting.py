"""How many rows of two states differ, and which, by 128-bit hashes of their values.

Equal rows of both cancel out, however often they occur and in whatever files they are. What is left
counts as changed where both have a row with the same key, else as removed or added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.frames import exactly
from ...core.waiting import check_waiting
from ..scratch import waiting_folder
from ..spill import Spill
from .columns import Pair
from .sides import Side

if TYPE_CHECKING:
    import polars as pl

ID = ("\0id1", "\0id2")
"""Columns with the hash of a row's key, or of the whole row where there is none. No column of a
table can have such a name."""
_ROW = ("\0row1", "\0row2")
_AFTER, _OLD, _NEW, _OLDS, _NEWS = "\0after", "\0old", "\0new", "\0olds", "\0news"
_PART_ROWS = 1 << 20
"""Rows whose hashes are compared at once."""


@dataclass(frozen=True, slots=True)
class Counted:
    """added, removed, changed: rows. ids: the ids of a few of each, in this order. repeated:
    whether several rows that differ have the same key.
    """

    added: int
    removed: int
    changed: int
    ids: Sequence[pl.DataFrame]
    repeated: bool


def count(
    before: Side,
    after: Side,
    columns: Sequence[Pair],
    key: Sequence[str],
    *,
    examples: int,
    staging: Callable[[], Path],
) -> Counted:
    """Compare the rows of both. key: of the later names; none to compare whole rows. examples: how
    many ids of each kind. staging: where hashes wait, if they are many.
    """
    totals, repeated = [0, 0, 0], False
    ids: list[list[pl.DataFrame]] = [[], [], []]
    for hashes in _parts(before, after, columns, key, staging):
        left = _left(hashes, [*ID, *_ROW] if key else [*ID], by_key=bool(key))
        for kind, (amount, found) in enumerate(_kinds(left, examples)):
            totals[kind] += amount
            ids[kind].append(found)
        repeated = repeated or any((left[name] > 1).any() for name in (_OLDS, _NEWS))
    added, removed, changed = totals
    few = [_few(found, examples) for found in ids]
    return Counted(added, removed, changed, few, repeated)


def with_ids(
    rows: pl.LazyFrame, columns: Sequence[Pair], key: Sequence[str], *, after: bool
) -> pl.LazyFrame:
    """Rows of a state in the later columns, with their ids."""
    values = rows.select(pair.of(after=after) for pair in columns)
    named = key or [pair.after for pair in columns]
    return values.with_columns(_hashes(named, columns, ID))


def _parts(
    before: Side,
    after: Side,
    columns: Sequence[Pair],
    key: Sequence[str],
    staging: Callable[[], Path],
) -> Iterator[pl.DataFrame]:
    """The hashes of the rows of both, so that those of equal rows are in the same part. Each row is
    read once.
    """
    import polars as pl

    names = [pair.after for pair in columns]
    parts = (before.height + after.height) // _PART_ROWS + 1
    with waiting_folder(staging()) if parts > 1 else nullcontext() as folder:
        spill = Spill(folder)
        for side, is_after in ((before, False), (after, True)):
            for block in side.blocks(len(columns)):
                check_waiting()
                rows = with_ids(block, columns, key, after=is_after)
                if key:
                    rows = rows.with_columns(_hashes(names, columns, _ROW))
                hashes = [*ID, *_ROW] if key else [*ID]
                rows = rows.select(*hashes, pl.lit(is_after).alias(_AFTER))
                spill.add_by(rows.collect(engine="streaming"), pl.col(ID[0]) % parts)
        for number in range(parts):
            check_waiting()
            if frames := list(spill.frames(number)):
                yield pl.concat(frames)


def _left(rows: pl.DataFrame, hashes: Sequence[str], *, by_key: bool) -> pl.DataFrame:
    """By id: how many rows of each state the other has not, and how many there are in all."""
    import polars as pl

    news, olds = (chosen.sum().cast(pl.Int64) for chosen in (pl.col(_AFTER), ~pl.col(_AFTER)))
    same = rows.lazy().group_by(hashes).agg(news.alias(_NEWS), olds.alias(_OLDS))
    more = pl.col(_NEWS) - pl.col(_OLDS)
    same = same.with_columns(
        more.clip(lower_bound=0).alias(_NEW), (-more).clip(lower_bound=0).alias(_OLD)
    )
    by_id = same.group_by(ID).agg(pl.col(_NEWS, _OLDS, _NEW, _OLD).sum()) if by_key else same
    return by_id.filter((pl.col(_NEW) > 0) | (pl.col(_OLD) > 0)).collect(engine="streaming")


def _kinds(left: pl.DataFrame, examples: int) -> list[tuple[int, pl.DataFrame]]:
    """How many rows were added, removed and changed, with ids of a few."""
    import polars as pl

    new, old = pl.col(_NEW), pl.col(_OLD)
    both = pl.min_horizontal(new, old)
    kinds = ((new - both, new > old), (old - both, old > new), (both, both > 0))
    return [
        (int(left.select(amount.sum()).item()), _few([left.filter(chosen)], examples))
        for amount, chosen in kinds
    ]


def _few(found: Sequence[pl.DataFrame], examples: int) -> pl.DataFrame:
    """Always the same ones of equal states."""
    import polars as pl

    none = pl.DataFrame(schema=dict.fromkeys(ID, pl.UInt64))
    return pl.concat([none, *(frame.select(ID) for frame in found)]).sort(ID).head(examples)


def _hashes(names: Sequence[str], columns: Sequence[Pair], into: Sequence[str]) -> list[pl.Expr]:
    """Two hashes of these columns together. A sum, so that ten thousand columns are no deep tree of
    expressions; each column has seeds of its own, so that values cannot change places.
    """
    import polars as pl

    place = {pair.after: 2 * number for number, pair in enumerate(columns)}
    return [
        pl.sum_horizontal([exactly(name).hash(place[name] + half) for name in names]).alias(alias)
        for half, alias in enumerate(into)
    ]
