"""Values in rules, as the values of a column."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ..dtypes import short_dtype

if TYPE_CHECKING:
    import polars as pl

type Value = str | int | float | bool


def literal(value: Value, dtype: pl.DataType, column: str) -> pl.Expr:
    """A value as one of a column of that type: dates and times are written as ISO 8601. Raises
    Unprocessable for a value that no such column has.
    """
    import polars as pl

    try:
        found = _python(value, dtype)
    except (ValueError, InvalidOperation, TypeError):
        raise Unprocessable(
            f"{value!r} is not a value of column {column!r}.",
            f"The column is {short_dtype(dtype)}.",
            "Write dates and times as 2026-01-31 and 2026-01-31T12:00:00Z.",
        ) from None
    if isinstance(dtype, pl.Datetime) and dtype.time_zone and isinstance(found, datetime):
        moment = pl.lit(found.replace(tzinfo=None), dtype=pl.Datetime(dtype.time_unit))
        return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
    kept = dtype if dtype.is_decimal() or dtype.is_temporal() or dtype == pl.String() else None
    return (
        pl.lit(found, dtype=kept) if kept is not None and not dtype.is_decimal() else pl.lit(found)
    )


def _python(value: Value, dtype: pl.DataType) -> object:
    import polars as pl

    if dtype == pl.String():
        return value if isinstance(value, str) else _word(value)
    if dtype == pl.Boolean():
        if not isinstance(value, bool):
            raise ValueError
        return value
    if dtype == pl.Date():
        return date.fromisoformat(str(value))
    if dtype == pl.Time():
        return time.fromisoformat(str(value))
    if isinstance(dtype, pl.Datetime):
        moment = datetime.fromisoformat(str(value))
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, bool) or not dtype.is_numeric():
        raise ValueError
    if dtype.is_decimal():
        return Decimal(str(value))
    if isinstance(value, str):
        raise ValueError
    return value


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
