"""Times of any zone, unit and kind, as UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ...core.errors import BadRequest
from ...core.frames import exactly

if TYPE_CHECKING:
    import polars as pl

Unit = Literal["us", "ns"]

_FIRST_NS = datetime(1677, 9, 21, 0, 12, 43, 145225)
_LAST_NS = datetime(2262, 4, 11, 23, 47, 16, 854775)
"""Between these a moment can be counted in nanoseconds."""


def require_time(schema: Mapping[str, pl.DataType], column: str, owner: str) -> None:
    """Raise BadRequest unless `column` exists and holds times or dates."""
    import polars as pl

    if column not in schema:
        names = ", ".join(name for name in schema if not name.startswith("__"))  # ours do
        raise BadRequest(
            f"{owner} have no column {column}.",
            "Each row needs its time in it.",
            f"Name another: the columns are {names}.",
        )
    if not isinstance(schema[column], pl.Datetime | pl.Date):
        fix = (
            f'Convert it: pl.col("{column}").str.to_datetime(time_zone="UTC")'
            if schema[column] == pl.String
            else "Convert it to Datetime."
        )
        raise BadRequest(
            f"Column {column} is {schema[column]}.",
            f"{owner} need a time (Datetime) or a date in it.",
            fix,
        )


def utc(column: str, dtype: pl.DataType, unit: Unit = "us") -> pl.Expr:
    """The column as UTC times in `unit`; times without a zone and dates are UTC. What nanoseconds
    cannot hold is the first or the last of them.
    """
    import polars as pl

    values = exactly(column)
    if dtype == pl.Date:
        values = values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    elif getattr(dtype, "time_zone", None):
        values = values.dt.convert_time_zone("UTC")
    else:
        values = values.dt.replace_time_zone("UTC")
    return values if nanoseconds(dtype) and unit == "ns" else within_unit(values, unit)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)


def nanoseconds(dtype: pl.DataType) -> bool:
    """Whether a type holds nanoseconds."""
    return getattr(dtype, "time_unit", "us") == "ns"


def unit_for(asked: pl.Series, source: Iterable[pl.DataType], ttl: timedelta | None) -> Unit:
    """The unit in which the times of entity rows and of a source are compared: nanoseconds only
    where a side needs them, since they reach from 1677 to 2262 alone. pandas has them for every
    time; against a source in microseconds they decide only where rows become too old.
    """
    if any(map(nanoseconds, source)):
        return "ns"
    first = asked.min()
    if ttl is None or not isinstance(first, datetime) or ttl > first - _utc(_FIRST_NS):
        return "us"
    finer = nanoseconds(asked.dtype) and (asked.to_physical() % 1_000 != 0).any()
    return "ns" if finer else "us"


def within_unit(at: pl.Expr, unit: Unit) -> pl.Expr:
    """Times in a unit; what it cannot hold is the first or the last that it can."""
    import polars as pl

    if unit == "us":
        return at.dt.cast_time_unit("us")
    first, last = (
        pl.lit(end, pl.Datetime("us")).dt.replace_time_zone("UTC") for end in (_FIRST_NS, _LAST_NS)
    )
    return at.clip(first, last).dt.cast_time_unit("ns")


def moment(time: datetime, dtype: pl.DataType) -> pl.Expr:
    """`time` (without a zone: UTC) as a literal of `dtype`, so that a filter on the raw column can
    skip row groups by their statistics. One that nanoseconds cannot hold is their first or last.
    """
    import polars as pl

    naive = (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None)
    if nanoseconds(dtype):
        naive = min(max(naive, _FIRST_NS), _LAST_NS)
    literal = pl.lit(naive, pl.Datetime("us"))
    if dtype == pl.Date:
        return literal
    zone = getattr(dtype, "time_zone", None)
    if nanoseconds(dtype):  # a literal in ms would truncate the bound
        literal = literal.dt.cast_time_unit("ns")
    return literal.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else literal
