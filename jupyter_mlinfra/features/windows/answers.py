"""What a window holds as a value of a feature, in its type: rounded once, or refused."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from .numbers import MOST, is_huge, scale_of
from .plan import FUNCTIONS

if TYPE_CHECKING:
    import polars as pl

    from ..definitions import WindowSpec
    from ..joining.view import JoinView
    from .plan import Plan

_TYPES = {"INT32": "Int32", "INT64": "Int64", "FLOAT": "Float32", "DOUBLE": "Float64"}
_DECIMAL = "DECIMAL"
_FLOATS = ("DOUBLE", "FLOAT")
_BEYOND = "conversion from `u128` to `i128` failed"
_WRAP = 2**128
"""What a sum of Int128 lacks each time that it wraps around."""


@contextmanager
def fitting(view: JoinView) -> Iterator[None]:
    """Raises Unprocessable if the source has a value that cannot be added up."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.InvalidOperationError, pl.exceptions.ComputeError) as error:
        if not str(error).startswith(_BEYOND):
            raise
        # The cause lists values, which may be masked: it is not told.
        raise Unprocessable(
            f"A value of {view.name} is too large to be aggregated.",
            "It is more than int128 holds.",
            "Store the column as a decimal or a float.",
        ) from None


def answered(found: pl.DataFrame, item: WindowSpec, plan: Plan, view: JoinView) -> pl.DataFrame:
    """One aggregation from what its windows hold, in the type of its feature.

    found: what the plan needs of each window (`n0`, `s0`, …). Raises Unprocessable for a value that
    the type does not hold.
    """
    import polars as pl

    number, source = plan.inputs.index(item.column), view.schema[item.column]
    function, declared = FUNCTIONS[item.function], view.types.get(item.feature, "")
    if function == "sum" and is_huge(source) and (found[f"f{number}"].abs() > MOST).any():
        if declared not in _FLOATS:
            why = "It is more than 1.6e38, the most that is added up digit by digit."
            raise _refused(item, view, why, whole=False)
        raw = _unwrapped(found, number, scale_of(source))
    else:
        raw = found.select(_value(function, number, source)).to_series()
    kept = function in ("min", "max")
    scale = scale_of(source) if kept or function == "sum" else 0
    try:
        if kept and not source.is_numeric():
            made = _of_the_source(raw, source)
        elif raw.dtype.is_float():
            made = _float(raw, declared, source if kept else pl.Float64())
        else:
            made = _whole(raw, scale, declared, source if kept or scale else pl.Int64())
    except OverflowError as error:
        raise _refused(item, view, f"{error}.", whole=raw.dtype.is_integer()) from error
    except pl.exceptions.InvalidOperationError:
        # The cause lists values, which may be masked: it is not told.
        raise _refused(item, view, _limit(declared), whole=raw.dtype.is_integer()) from None
    return made.alias(view.features[item.feature]).to_frame()


def _limit(declared: str) -> str:
    """Why a value is not of the type of a feature."""
    if declared == _DECIMAL:
        return "It has more than 38 digits."
    return f"It is more than {declared.lower() or 'its type'} holds."


def _unwrapped(found: pl.DataFrame, number: int, scale: int) -> pl.Series:
    """Sums as the nearest floats, also those that wrapped around: the sum of floats tells how
    often. scale: digits after the point.
    """
    import polars as pl

    sums = found.select(f"n{number}", f"s{number}", f"f{number}").iter_rows()
    values = [
        (whole + round((rough - whole) / _WRAP) * _WRAP) / 10**scale if n else None
        for n, whole, rough in sums
    ]
    return pl.Series(values, dtype=pl.Float64)


def _refused(item: WindowSpec, view: JoinView, why: str, *, whole: bool) -> Unprocessable:
    decimals = whole and view.types.get(item.feature) != _DECIMAL
    return Unprocessable(
        f"A {FUNCTIONS[item.function]} of {view.name} does not fit into {item.feature}.",
        why,
        f"Give the feature the type {'Decimal, which keeps each digit, or ' if decimals else ''}"
        "Float64.",
    )


def _value(function: str, number: int, source: pl.DataType) -> pl.Expr:
    """The aggregation; of decimals, sums and the smallest and largest are without their point."""
    import polars as pl

    n, s, f, a, z, v, d = (pl.col(f"{letter}{number}") for letter in "nsfazvd")
    unit = 10.0 ** scale_of(source)
    if function in ("count", "count_distinct"):
        return n if function == "count" else d
    if function in ("min", "max"):
        return a if function == "min" else z
    if function == "sum":
        return pl.when(n > 0).then(s)
    if function == "mean":
        total = s.cast(pl.Float64)
        if is_huge(source):
            total = pl.when(f.abs() > MOST).then(f).otherwise(total)
        return pl.when(n > 0).then(total / n / unit)
    spread = pl.when(n > 1).then(v / (n - 1))
    return spread / unit**2 if function == "var" else spread.sqrt() / unit


def _of_the_source(values: pl.Series, source: pl.DataType) -> pl.Series:
    """Times and truth values."""
    import polars as pl

    return values.cast(pl.Int32).cast(source) if source == pl.Date else values.cast(source)


def _float(values: pl.Series, declared: str, otherwise: pl.DataType) -> pl.Series:
    import polars as pl

    target = _TYPES.get(declared)
    dtype = getattr(pl, target) if target else otherwise
    if dtype.is_integer() and values.is_infinite().any():
        raise OverflowError(f"It is infinite, and the feature is {declared.lower()}")
    made = values.cast(dtype)
    if made.dtype.is_integer() and (values % 1 != 0).any():
        raise OverflowError(f"It has a fraction, and the feature is {declared.lower()}")
    if (made.is_infinite() & values.is_finite()).any() if made.dtype.is_float() else False:
        raise OverflowError(f"It is more than {declared.lower()} holds")
    return made


def _whole(values: pl.Series, scale: int, declared: str, otherwise: pl.DataType) -> pl.Series:
    """Integers that are the values times 10**scale. otherwise: the type if none is declared."""
    import polars as pl

    if declared in _FLOATS:
        return _float(values.cast(pl.Float64) / 10.0**scale, declared, otherwise)
    if declared == _DECIMAL or (isinstance(otherwise, pl.Decimal) and declared not in _TYPES):
        point = pl.lit(decimal.Decimal(1).scaleb(-scale), pl.Decimal(38, scale))
        whole = values.cast(pl.Decimal(38, 0)).alias("whole").to_frame()
        return whole.select(pl.col("whole") * point).to_series()
    if scale:
        unit = pl.lit(10**scale, pl.Int128)
        parts = values.cast(pl.Int128).alias("whole").to_frame()
        if parts.select((pl.col("whole") % unit != 0).any()).item():
            raise OverflowError(f"It has a fraction, and the feature is {declared.lower()}")
        values = parts.select(pl.col("whole") // unit).to_series()
    return values.cast(getattr(pl, _TYPES[declared]) if declared in _TYPES else otherwise)
