"""What is kept of masked columns: no value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from .counting import uncounted
from .sketch import ColumnSketch, Sketch, is_flat, limits

if TYPE_CHECKING:
    import polars as pl


def without_values(sketch: Sketch, columns: Collection[str]) -> Sketch:
    """The same without any value of these columns: how many are missing, and by hashes how many are
    distinct.
    """
    found = {name for name in columns if name in sketch.columns}
    if not found:
        return sketch
    kept, _ = limits(len(sketch.columns))
    return replace(
        sketch,
        columns={
            name: _hidden(column, kept) if name in found else column
            for name, column in sketch.columns.items()
        },
        sample=sketch.sample.with_columns(
            _nothing(sketch.columns[name].dtype, sketch.sample.height).alias(name)
            for name in sketch.sample.columns
            if name in found
        ),
    )


def _hidden(column: ColumnSketch, kept: int) -> ColumnSketch:
    if not is_flat(column.dtype):
        return column
    counted = uncounted(column, kept)
    return ColumnSketch(
        column.dtype, column.nulls, None, counted.distinct, _nothing(column.dtype, 0)
    )


def _nothing(dtype: pl.DataType, height: int) -> pl.Series:
    import polars as pl

    return pl.Series([None], dtype=dtype).new_from_index(0, height)
