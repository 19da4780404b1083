"""Logged inputs as a matrix of numbers, for the small models that estimate performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.frames import unnamed
from .drift import is_number

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Levels = Mapping[str, Sequence[str] | None]
"""Of each input its texts in order, None for numbers."""


def levels_of_inputs(rows: pl.DataFrame, inputs: Sequence[str]) -> Levels:
    """The texts of each input."""
    columns = {name: unnamed(rows[_called(name, rows)]) for name in inputs}
    return {
        name: None
        if is_number(column)
        else sorted(column.drop_nulls().cast(str).unique().to_list())
        for name, column in columns.items()
    }


def encoded(rows: pl.DataFrame, levels: Levels) -> np.ndarray:
    """n rows, one column per input: a text as its place among the levels, what is missing or
    unknown as NaN.
    """
    import numpy as np
    import polars as pl

    columns = []
    for name, texts in levels.items():
        found = _called(name, rows)
        empty = pl.Series([None] * rows.height, dtype=pl.Float64)
        column = unnamed(rows[found]) if found in rows.columns else empty
        if texts is not None:
            places = {text: float(place) for place, text in enumerate(texts)}
            column = (
                column.cast(pl.String).replace_strict(places, default=None, return_dtype=pl.Float64)
                if places
                else empty
            )
        columns.append(column.cast(pl.Float64, strict=False).to_numpy())
    return np.column_stack(columns)


def _called(name: str, rows: pl.DataFrame) -> str:
    """The column of an input."""
    return f"input.{name}" if f"input.{name}" in rows.columns else name
