"""The distinct values of a column with how many rows have each, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...core.frames import exactly
from .distinct import Distinct, hashes_of, merged
from .moments import moments_of
from .sketch import ColumnSketch

if TYPE_CHECKING:
    import polars as pl

VALUE, COUNT = "value", "count"


def frequencies(values: pl.Series) -> pl.DataFrame:
    """Each distinct value of `values`, which has no nulls, and how often it is there."""
    import polars as pl

    found = values.alias(VALUE).value_counts(name=COUNT)
    return found.with_columns(pl.col(COUNT).cast(pl.Int64))


def frequencies_of(block: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The frequencies of several columns, in one query, each sorted by value."""
    import polars as pl

    row = block.select(
        exactly(name)
        .drop_nulls()
        .alias(VALUE)
        .value_counts(name=COUNT)
        .struct.with_fields(pl.field(COUNT).cast(pl.Int64))
        .sort()
        .implode()
        .alias(str(place))
        for place, name in enumerate(names)
    )
    return {name: row[str(place)].item().struct.unnest() for place, name in enumerate(names)}


def counted(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The counts of all parts together."""
    import polars as pl

    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts).group_by(VALUE).agg(pl.col(COUNT).sum())


def uncounted(column: ColumnSketch, kept: int) -> ColumnSketch:
    """The same column with what stands in the place of counts."""
    if column.counts is None:
        return column
    values = column.counts[VALUE]
    return ColumnSketch(
        column.dtype,
        column.nulls,
        None,
        merged((Distinct(hashes_of(values)),), kept),
        bounds((values,)),
        moments_of(values, column.counts[COUNT]) if column.dtype.is_numeric() else None,
    )


def bounds(parts: Iterable[pl.Series]) -> pl.Series:
    """The lowest and the highest of these values; empty if there is none but null and NaN."""
    import polars as pl

    values = pl.concat(parts)
    if values.null_count():
        values = values.drop_nulls()
    if values.dtype.is_float():
        numbers = values.to_numpy()
        numbers = np.sort(numbers[~np.isnan(numbers)])
        ends = numbers if len(numbers) < 2 else numbers[[0, -1]]
        return pl.Series(values.name, ends, dtype=values.dtype)
    return values.sort() if len(values) < 2 else values.sort()[[0, -1]]
