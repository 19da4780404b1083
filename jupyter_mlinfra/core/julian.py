"""Parquet files that Spark wrote by its old calendar: Julian before 1582, with other local times
before 1900. Spark alone converts these; to all others they are other days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from .errors import Unprocessable
from .frames import exactly

if TYPE_CHECKING:
    import polars as pl

_FIRST_DAY, _FIRST_MOMENT = date(1582, 10, 15), datetime(1900, 1, 1)
"""From then on both calendars, and both ideas of local time, are alike."""


def refuse_julian(name: str, facts: Mapping[str, str], rows: pl.LazyFrame) -> None:
    """Raise Unprocessable for a file with days or moments that Spark reads as others.

    facts: what the footer says beside. rows: without maps.
    """
    import polars as pl

    days, moments = old_calendar(facts)
    for column, dtype in rows.collect_schema().items():
        old = [
            (value < (_FIRST_MOMENT if is_moment else _FIRST_DAY)).any().alias(str(number))
            for number, (value, is_moment) in enumerate(_times(exactly(column), dtype))
            if (moments if is_moment else days)
        ]
        if old and rows.select(pl.any_horizontal(old)).collect().item():
            raise Unprocessable(
                f"Column {column!r} of {name} has days before {_FIRST_DAY}, or moments before"
                f" {_FIRST_MOMENT:%Y}.",
                "Spark wrote them by its old calendar, as version 2 does: to all others they are"
                " other days, up to ten away.",
                "Write the file again with Spark 3 or newer, which converts them:"
                " spark.read.parquet(…).write.parquet(…).",
            )


def old_calendar(facts: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether days, and whether moments, are of the old calendar, as Spark decides it."""
    prefix = "org.apache.spark."
    found = re.match(r"(\d+)\.(\d+)", facts.get(f"{prefix}version", ""))
    version = (int(found[1]), int(found[2])) if found else (9, 9)
    days = version < (3, 0) or f"{prefix}legacyDateTime" in facts
    return days, days or version < (3, 1) or f"{prefix}legacyINT96" in facts


def _times(
    value: pl.Expr, dtype: pl.DataType | pl.datatypes.DataTypeClass
) -> Iterator[tuple[pl.Expr, bool]]:
    """The days and moments within a value, and whether each is a moment."""
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        yield value.dt.replace_time_zone(None), True
    elif dtype == pl.Date:
        yield value, False
    elif isinstance(dtype, pl.List):
        yield from _times(value.explode(), dtype.inner)
    elif isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _times(value.struct.field(field.name), field.dtype)
