"""The sketch of several files, from the sketches of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING

import numpy as np

from .counting import COUNT, VALUE, bounds, counted, uncounted
from .distinct import merged
from .moments import joined
from .sampling import cut, enough
from .sketch import ColumnSketch, Sketch, is_flat, limits

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 16
_COUNTED = 65_536
"""Distinct values of a column that are counted over all files."""


def merge(parts: Iterable[Sketch], schema: Mapping[str, pl.DataType], *, rows: int) -> Sketch:
    """The sketch of all rows of these sketches, with the columns and types of `schema`: a column
    that a file lacks is null there. Only some of the sketches are held at a time.

    rows: about how many rows there are together.
    """
    kept, size = limits(len(schema))
    theta = enough(size, rows)
    small = (_as_of(part, schema, theta) for part in parts)
    total: Sketch | None = None
    for some in batched(small, _AT_ONCE):
        group = [*([total] if total else []), *some]
        total = group[0] if len(group) == 1 else _merged(group, schema, kept, size)
    return total or _merged([], schema, kept, size)


def _as_of(part: Sketch, schema: Mapping[str, pl.DataType], theta: float) -> Sketch:
    """The sketch with other columns and types, and no more rows than are needed."""
    import polars as pl

    columns = {
        name: _typed(part.columns[name], dtype)
        if name in part.columns
        else _absent(dtype, part.rows)
        for name, dtype in schema.items()
    }
    rows, priorities, theta = cut(
        part.sample, part.priorities, min(part.theta, theta), len(part.priorities)
    )
    held = {values.name: values for values in rows}
    sample = pl.DataFrame(
        [
            _cast(held[name], dtype)
            if name in held
            else pl.Series(name, [None], dtype=dtype).new_from_index(0, len(priorities))
            for name, dtype in schema.items()
            if is_flat(dtype)
        ]
    )
    return Sketch(part.rows, columns, sample, priorities, theta)


def _cast(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    return values if values.dtype == dtype else values.cast(dtype)


def _absent(dtype: pl.DataType, rows: int) -> ColumnSketch:
    import polars as pl

    none = pl.DataFrame(schema={VALUE: dtype, COUNT: pl.Int64}) if is_flat(dtype) else None
    return ColumnSketch(dtype, rows, none)


def _typed(column: ColumnSketch, dtype: pl.DataType) -> ColumnSketch:
    import polars as pl

    if column.dtype == dtype or not is_flat(dtype):
        return column
    counts, ends = column.counts, column.bounds
    return ColumnSketch(
        dtype,
        column.nulls,
        None if counts is None else counts.with_columns(pl.col(VALUE).cast(dtype)),
        column.distinct,
        None if ends is None else ends.cast(dtype),
        column.moments,
    )


def _merged(
    parts: Sequence[Sketch], schema: Mapping[str, pl.DataType], kept: int, size: int
) -> Sketch:
    import polars as pl

    columns = {
        name: _joined([part.columns[name] for part in parts], dtype, kept)
        for name, dtype in schema.items()
    }
    flat = {name: dtype for name, dtype in schema.items() if is_flat(dtype)}
    rows, priorities, theta = cut(
        pl.concat([pl.DataFrame(schema=flat), *(part.sample for part in parts)]),
        np.concatenate([np.empty(0), *(part.priorities for part in parts)]),
        min((part.theta for part in parts), default=1.0),
        size,
    )
    return Sketch(sum(part.rows for part in parts), columns, rows, priorities, theta)


def _joined(parts: Sequence[ColumnSketch], dtype: pl.DataType, kept: int) -> ColumnSketch:
    nulls = sum(part.nulls for part in parts)
    if not is_flat(dtype):
        return ColumnSketch(dtype, nulls)
    none = _absent(dtype, 0).counts
    counts = [part.counts for part in parts if part.counts is not None]
    if none is not None and len(counts) == len(parts):
        together = counted([none, *counts])
        if together.height <= _COUNTED:
            return ColumnSketch(dtype, nulls, together.sort(VALUE))
    hashed = [uncounted(part, kept) for part in parts]
    return ColumnSketch(
        dtype,
        nulls,
        None,
        merged((part.distinct for part in hashed if part.distinct is not None), kept),
        bounds([part.bounds for part in hashed if part.bounds is not None]),
        joined(part.moments for part in hashed if part.moments is not None)
        if dtype.is_numeric()
        else None,
    )
