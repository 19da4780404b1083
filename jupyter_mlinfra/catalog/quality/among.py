"""Rules that look at several rows at once: values that must be unique, or be in another dataset.

Values are compared by 128-bit hashes, which wait on disk in parts if they are many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.frames import exactly
from ...core.waiting import check_waiting
from ..dtypes import short_dtype
from ..scratch import waiting_folder
from ..spill import Spill

if TYPE_CHECKING:
    import polars as pl

_PART_ROWS = 1 << 20
"""Rows whose hashes are compared at once."""
_BLOCK = 1 << 17
_FEW = 5
_HASH = ("\0hash1", "\0hash2")  # no column can have such a name
_MINE, _THEIRS = "\0mine", "\0theirs"

Staging = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that fail. count: how many. few: the hashes of some. values: those that were hashed."""

    count: int
    few: pl.DataFrame
    values: Sequence[pl.Expr]

    def among(self, rows: pl.LazyFrame, most: int) -> pl.LazyFrame:
        """Some of the rows that fail."""
        found = rows.with_columns(_hashes(self.values))
        return found.join(self.few.lazy(), on=_HASH, how="semi").drop(_HASH).head(most)


def repeated(
    rows: pl.LazyFrame,
    columns: Sequence[str],
    total: int,
    staging: Staging,
    others: pl.LazyFrame | None = None,
) -> Compared:
    """The rows with values in these columns that another of them, or a row of `others`, has, too.
    Rows without a value in one of them do not count. total: about how many rows there are in all.
    """
    import polars as pl

    schema = rows.collect_schema()
    mine = [exactly(name) for name in columns]
    theirs = [exactly(name).cast(schema[name]) for name in columns]
    whole = pl.all_horizontal([value.is_not_null() for value in mine])
    there = None if others is None else others.filter(whole)
    fails = (pl.col(_MINE) > 1) | (pl.col(_THEIRS) > 0)
    return _compared(rows.filter(whole), mine, there, theirs, fails, total, staging)


def homeless(
    rows: pl.LazyFrame,
    column: str,
    others: pl.LazyFrame,
    other: str,
    *,
    what: str,
    total: int,
    staging: Staging,
) -> Compared:
    """The rows whose value in `column` is not in column `other` of `others`. what: the other
    column, in words. total: as for `repeated`. Raises Unprocessable if the two can never be equal.
    """
    import polars as pl

    here, there = comparable(rows, column, others, other, what=what)
    present = rows.filter(exactly(column).is_not_null())
    others = others.filter(there.is_not_null())
    return _compared(present, [here], others, [there], pl.col(_THEIRS) == 0, total, staging)


def comparable(
    rows: pl.LazyFrame, column: str, others: pl.LazyFrame, other: str, *, what: str
) -> tuple[pl.Expr, pl.Expr]:
    """Two columns in a type in which they can be compared. Raises Unprocessable as `homeless`."""
    mine, theirs = rows.collect_schema()[column], _known(others, other, what)
    common = _common(mine, theirs)
    if common is None:
        raise Unprocessable(
            f"Column {column!r} cannot be compared with {what}.",
            f"One is {short_dtype(mine)}, the other {short_dtype(theirs)}.",
        )
    return _cast(column, mine, common), _cast(other, theirs, common)


def _compared(
    rows: pl.LazyFrame,
    mine: Sequence[pl.Expr],
    others: pl.LazyFrame | None,
    theirs: Sequence[pl.Expr],
    fails: pl.Expr,
    total: int,
    staging: Staging,
) -> Compared:
    """The rows whose values fail. fails: asked of the number of rows of both with equal values."""
    import polars as pl

    parts, count, few = total // _PART_ROWS + 1, 0, list[pl.DataFrame]()
    with waiting_folder(staging()) if parts > 1 else nullcontext() as folder:
        spill = Spill(folder)
        for side, values, is_mine in ((rows, mine, True), (others, theirs, False)):
            if side is None:
                continue
            hashes = side.select(*_hashes(values), pl.lit(is_mine).alias(_MINE))
            for block in hashes.collect_batches(chunk_size=_BLOCK, engine="streaming"):
                check_waiting()
                spill.add_by(block, pl.col(_HASH[0]) % parts)
        for number in range(parts):
            frames = list(spill.frames(number))
            if not frames:
                continue
            counts = (
                pl.concat(frames)
                .group_by(_HASH)
                .agg(pl.col(_MINE).sum().cast(pl.Int64), (~pl.col(_MINE)).sum().alias(_THEIRS))
            )
            failing = counts.filter((pl.col(_MINE) > 0) & fails)
            count += int(failing[_MINE].sum())
            few.append(failing.select(_HASH).head(_FEW))
    none = pl.DataFrame(schema=dict.fromkeys(_HASH, pl.UInt64))
    return Compared(count, pl.concat([none, *few]).head(_FEW), mine)


def _hashes(values: Sequence[pl.Expr]) -> list[pl.Expr]:
    """Two hashes of these values together; each has seeds of its own, so that they cannot change
    places.
    """
    import polars as pl

    return [
        pl.sum_horizontal([v.hash(2 * place + half) for place, v in enumerate(values)]).alias(name)
        for half, name in enumerate(_HASH)
    ]


def _known(others: pl.LazyFrame, other: str, what: str) -> pl.DataType:
    schema = others.collect_schema()
    if other not in schema:
        columns = ", ".join(list(schema)[:20])
        raise Unprocessable(f"There is no {what}.", fix=f"Columns: {columns}.")
    return schema[other]


def _common(one: pl.DataType, two: pl.DataType) -> pl.DataType | None:
    """The type in which values of both are compared; None if they are of different kinds."""
    import polars as pl

    if one == two:
        return one
    if one.is_numeric() and two.is_numeric() and (one.is_integer() or two.is_integer()):
        return pl.Int128()
    if isinstance(one, pl.Decimal) and isinstance(two, pl.Decimal):
        return pl.Decimal(38, max(one.scale, two.scale))
    if one.is_numeric() and two.is_numeric():
        return pl.Float64()
    if isinstance(one, pl.Datetime) and isinstance(two, pl.Datetime):
        return one if one.time_zone == two.time_zone else None
    return None


def _cast(column: str, dtype: pl.DataType, common: pl.DataType) -> pl.Expr:
    """The values of a column in another type; none for those that it does not have."""
    import polars as pl

    values = exactly(column)
    if common != pl.Int128() or dtype.is_integer():
        return values.cast(common, strict=dtype.is_integer())
    whole = values.cast(common, strict=False)
    return pl.when(whole.cast(dtype, strict=False) == values).then(whole)
