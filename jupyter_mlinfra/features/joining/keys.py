"""Keys of both sides in a type that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.frames import exactly

if TYPE_CHECKING:
    import polars as pl


def key(column: str, dtype: pl.DataType, shared: pl.DataType) -> pl.Expr:
    """A key in the shared type of both sides. pandas turns integers into floats if one is missing;
    a fraction equals no integer, and NaN nothing. A value that the shared type cannot hold is null.
    """
    import polars as pl

    values = exactly(column)
    if dtype.is_float() and shared.is_integer():
        values = pl.when(values.is_finite() & (values == values.round())).then(values)
    elif dtype.is_float():
        values = values.fill_nan(None)
    return values.cast(shared, strict=False)


def comparable(left: pl.DataType, right: pl.DataType) -> bool:
    """Whether keys of two types can be compared; a column without any value with all."""
    import polars as pl

    if pl.Null in (left, right) or kind(left) == kind(right):
        return True
    first, second = sorted((left, right), key=lambda dtype: isinstance(dtype, pl.Decimal))
    return first.is_integer() and isinstance(second, pl.Decimal)


def kind(dtype: pl.DataType) -> str:
    """Key columns of the same kind can be compared."""
    import polars as pl

    if dtype.is_numeric() and not isinstance(dtype, pl.Decimal):
        return "number"
    return (
        "string"
        if isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
        else str(dtype.base_type())
    )


def common(left: pl.DataType, right: pl.DataType) -> pl.DataType:
    """A type that tells the keys of both sides apart; a value outside it becomes null and matches
    nothing.
    """
    import polars as pl

    if left == pl.Null or right == pl.Null:
        left = right = right if left == pl.Null else left
    if left == right and not isinstance(left, pl.Categorical | pl.Enum):
        return left
    if left.is_integer() and isinstance(right, pl.Decimal):
        return pl.Decimal(38, right.scale)
    if left.is_integer() or (left.is_float() and right.is_integer()):
        return pl.Int64()
    if left.is_float():
        return pl.Float64()
    if isinstance(left, pl.Decimal):
        return pl.Decimal(38, max(left.scale, getattr(right, "scale", 0)))
    if isinstance(left, pl.Datetime) and isinstance(right, pl.Datetime):
        return pl.Datetime(max(left, right, key=_ticks).time_unit, right.time_zone)
    if isinstance(left, pl.Duration) and isinstance(right, pl.Duration):
        return max(left, right, key=_ticks)
    return pl.String() if kind(left) == "string" else right


def _ticks(dtype: pl.DataType) -> int:
    """Units of a time in a second; 1 for all else."""
    return {"ms": 10**3, "us": 10**6, "ns": 10**9}.get(getattr(dtype, "time_unit", ""), 1)
