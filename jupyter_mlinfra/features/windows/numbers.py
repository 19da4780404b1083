"""How the values of a column are added up, so that no digit of them is lost.

Integers, truth values and decimals are added up as Int128, decimals without their point. A sum of
Int128 wraps around where it does not fit, so what comes out is right if the whole sum fits,
whatever was added up on the way. Where a few values may be more than Int128 holds, their sum as
floats tells whether it fits.

Squares of distances need no value to start from: for integers, sum((x - p)²) is
sum(x²) - p·sum(x) - p·(sum(x) - n·p), which wraps around as well; p is the mean, rounded down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.frames import exactly
from .plan import FUNCTIONS, NEEDS

if TYPE_CHECKING:
    import polars as pl

MOST = 1.6e38
"""Sums that are larger may not fit into Int128."""

_LONGEST_EXACT = 20
"""Digits of decimals of which 2**60 can be added up."""

_SPREAD = 1e36
"""Squares that are larger are kept as floats, which are right where values lie so far apart."""


def is_whole(dtype: pl.DataType) -> bool:
    """Whether values are added up as Int128."""
    import polars as pl

    return not dtype.is_float() if dtype != pl.Null else True


def is_huge(dtype: pl.DataType) -> bool:
    """Whether a few values may add up to more than Int128 holds."""
    import polars as pl

    if isinstance(dtype, pl.Decimal):
        return (dtype.precision or 38) > _LONGEST_EXACT
    return dtype in (pl.Int128(), pl.UInt128())


def scale_of(dtype: pl.DataType) -> int:
    """Digits after the point."""
    return int(getattr(dtype, "scale", 0) or 0)


def needed(function: str, dtype: pl.DataType) -> str:
    """What a tile must hold for an aggregation of a column of this type, as `plan.NEEDS` has it.
    Beside a sum, the same as a float (f) where it may not fit; squares are about the sum, or about
    a mean that is a float.
    """
    letters = NEEDS[FUNCTIONS[function]]
    if is_huge(dtype):
        return letters.replace("s", "sf")
    return letters.replace("m", "s") if is_whole(dtype) else letters


def number(column: str, dtype: pl.DataType) -> pl.Expr:
    """The values as numbers that can be added up; of what is none, whether there is a value."""
    import polars as pl

    values = exactly(column)
    if dtype.is_float():
        return values.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, pl.Decimal):
        return values.to_physical().cast(pl.Int128)
    if dtype in (pl.UInt64(), pl.Int128(), pl.UInt128()):
        return values.cast(pl.Int128)
    if dtype.is_integer() or dtype == pl.Boolean:
        return values.cast(pl.Int64)
    if dtype.is_temporal():
        return values.to_physical().cast(pl.Int64)
    return pl.when(values.is_not_null()).then(pl.lit(1, pl.Int64))


def squares(values: pl.Expr) -> pl.Expr:
    """The sum of squared distances of integers from their mean."""
    import polars as pl

    whole, count = values.cast(pl.Int128), values.count().cast(pl.Int64)
    total = whole.sum()
    mean = total // count
    rest = total - count * mean
    exact = (whole * whole).sum() - mean * (total + rest)
    rough = values.var(ddof=0) * count
    return (
        pl.when(rough < _SPREAD)
        .then(exact.cast(pl.Float64) - rest.cast(pl.Float64).pow(2) / count)
        .otherwise(rough)
    )
