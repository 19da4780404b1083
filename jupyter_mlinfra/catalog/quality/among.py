"""Rules that look at several rows at once: values that must be unique, or be in another dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.frames import exactly
from ..dtypes import short_dtype

if TYPE_CHECKING:
    import polars as pl

_PART_ROWS = 20_000_000
"""Values that are compared at once; of more, those of one hash after the other."""

_COUNT = "\0count"  # no column can have this name


def repeated(rows: pl.LazyFrame, columns: Sequence[str], total: int) -> int:
    """How many rows have values in these columns that another row has, too. Rows without a value in
    one of them do not count. total: about how many rows there are.
    """
    import polars as pl

    found = 0
    parts = total // _PART_ROWS + 1
    for number in range(parts):
        keys = _part(_keys(rows, columns), columns, number, parts)
        counts = keys.group_by(columns).agg(pl.len().cast(pl.Int64).alias(_COUNT))
        several = counts.filter(pl.col(_COUNT) > 1).select(pl.col(_COUNT).sum())
        found += several.collect(engine="streaming").item() or 0
    return found


def repeated_rows(rows: pl.LazyFrame, columns: Sequence[str], most: int) -> pl.LazyFrame:
    """Some of those rows."""
    several = repeated_keys(rows, columns).head(most)
    return rows.join(several, on=list(columns), how="semi").head(most)


def repeated_keys(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """The values that several rows have."""
    import polars as pl

    counts = _keys(rows, columns).group_by(columns).agg(pl.len().alias(_COUNT))
    return counts.filter(pl.col(_COUNT) > 1).select(columns)


def also_in(rows: pl.LazyFrame, others: Sequence[pl.LazyFrame], columns: Sequence[str]) -> int:
    """How many rows have values in these columns that rows of `others` have, too."""
    import polars as pl

    schema = rows.collect_schema()
    typed = [
        _keys(part, columns).select([exactly(name).cast(schema[name]) for name in columns])
        for part in others
    ]
    keys = pl.concat(typed).unique()
    found = _keys(rows, columns).join(keys, on=list(columns), how="semi")
    return int(found.select(pl.len()).collect(engine="streaming").item())


def homeless(
    rows: pl.LazyFrame, column: str, others: pl.LazyFrame, other: str, *, what: str
) -> pl.LazyFrame:
    """The rows whose value in `column` is not in column `other` of `others`. what: the other
    column, in words. Raises Unprocessable if the two can never be equal.
    """
    mine, theirs = rows.collect_schema()[column], _known(others, other, what)
    common = _common(mine, theirs)
    if common is None:
        raise Unprocessable(
            f"Column {column!r} cannot be compared with {what}.",
            f"One is {short_dtype(mine)}, the other {short_dtype(theirs)}.",
        )
    there, here = _cast(other, theirs, common), _cast(column, mine, common)
    values = others.select(there.alias(_COUNT)).drop_nulls().unique()
    present = rows.filter(exactly(column).is_not_null())
    return present.join(values, left_on=here, right_on=exactly(_COUNT), how="anti")


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


def _keys(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    return rows.select([exactly(name) for name in columns]).drop_nulls()


def _part(keys: pl.LazyFrame, columns: Sequence[str], number: int, parts: int) -> pl.LazyFrame:
    import polars as pl

    if parts == 1:
        return keys
    hashes = pl.lit(0, dtype=pl.UInt64)
    for seed, name in enumerate(columns):
        hashes = hashes ^ exactly(name).hash(seed)
    return keys.filter(hashes % parts == number)
