"""Sketches: what is kept of the rows of a file, so that statistics of many files can be told
without reading them again.

A column with few distinct values is counted: every value with its number of rows. Of others the
sketch holds exact moments and bounds, and the smallest hashes of their values. Beside them stands
a sample of whole rows: each row has a random priority, and the rows with the lowest are kept, so
that samples of several files together are a sample of all their rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from .distinct import Distinct
    from .moments import Moments

WIDE = 200
"""Columns of a wide table; so many are asked in one query, because more make its planning slow."""

_SAMPLE_ROWS = 65_536
_SAMPLE_CELLS = 16 << 20


@dataclass(frozen=True, slots=True)
class ColumnSketch:
    """One column.

    counts: its distinct values and how many rows have each, in columns `value` and `count`, sorted
    by value; None if there are too many. Then `distinct` and `bounds` (lowest and highest, without
    NaN; empty if there are none) stand in its place, and for numbers `moments`. A list or struct
    has none of these.
    """

    dtype: pl.DataType
    nulls: int
    counts: pl.DataFrame | None = None
    distinct: Distinct | None = None
    bounds: pl.Series | None = None
    moments: Moments | None = None


@dataclass(frozen=True, slots=True)
class Sketch:
    """All columns of some rows, by the name that they were read with.

    sample: the rows whose priority is below `theta`; row i has `priorities[i]`. Lists and structs
    are not in it, and texts are cut. theta: 1 if these are all rows.
    """

    rows: int
    columns: Mapping[str, ColumnSketch]
    sample: pl.DataFrame
    priorities: np.ndarray[Any, Any]
    theta: float = 1.0


def is_flat(dtype: pl.DataType) -> bool:
    """Whether values of this type can be counted and compared."""
    import polars as pl

    return not (dtype.is_nested() or dtype in (pl.Null(), pl.Object()))


def limits(columns: int) -> tuple[int, int]:
    """Of a table with so many columns: the distinct values and the rows that a sketch keeps."""
    kept = 8192 if columns <= WIDE else 2048 if columns <= 10 * WIDE else 512
    return kept, max(1000, min(_SAMPLE_ROWS, _SAMPLE_CELLS // max(1, columns)))
