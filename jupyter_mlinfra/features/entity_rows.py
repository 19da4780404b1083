"""The entity rows of a retrieval: those that the caller passes, or every moment at which one of the
views got a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import pandas as pd
import polars as pl

from ..core.errors import BadRequest
from ..core.frames import exactly, lazy_frame
from .join import JoinView, moment, require_time, utc

AT = "event_timestamp"


def entity_rows(rows: Any) -> pl.LazyFrame:
    """The rows that the caller passes. Raises BadRequest for anything that is not a frame."""
    if isinstance(rows, pl.LazyFrame):
        return rows
    if isinstance(rows, pl.DataFrame):
        return rows.lazy()
    if isinstance(rows, pd.DataFrame):
        return lazy_frame(rows, "The entity rows cannot be read.")
    if isinstance(rows, str) and rows.endswith(".parquet"):
        return pl.scan_parquet(rows)
    why = f"{type(rows).__name__} is not a frame; SQL needs another offline store."
    raise BadRequest(
        "The entity rows cannot be read.",
        why,
        "Give a Polars or pandas frame, or the path of a Parquet file.",
    )


def rows_between(views: Sequence[JoinView], start: datetime, end: datetime) -> pl.LazyFrame:
    """Keys and event time of every row that a view has in [start, end], each once, ordered by time.

    Rows of views with other keys are included, with nulls for the keys that they lack.
    """
    unit: Literal["us", "ns"] = (
        "ns"
        if any(getattr(view.schema[view.time], "time_unit", "us") == "ns" for view in views)
        else "us"
    )
    parts = []
    for view in views:
        dtype = view.schema[view.time]
        rows = view.frame.filter(
            exactly(view.time).is_between(moment(start, dtype), moment(end, dtype))
        )
        keys = [exactly(column).alias(key) for key, column in view.keys.items()]
        parts.append(rows.select(*keys, utc(view.time, dtype, unit).alias(AT)).drop_nulls())
    rows_ = pl.concat(parts, how="diagonal_relaxed").unique()
    return rows_.sort(AT, *(exactly(name) for name in rows_.collect_schema() if name != AT))


def time_column(schema: pl.Schema) -> str:
    """Feast's convention: `event_timestamp`, else the only time column."""
    if AT in schema:
        require_time(schema, AT, "The entity rows")
        return AT
    times = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
    if len(times) != 1:
        require_time(schema, AT, "The entity rows")
    return times[0]
