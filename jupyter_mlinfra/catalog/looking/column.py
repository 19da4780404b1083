"""The sketch of one column, from block to block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.frames import exactly
from .counting import COUNT, VALUE, bounds, counted, frequencies, uncounted
from .distinct import ALL, Distinct, hashes_of, merged
from .moments import Moments, joined, moments_of
from .sketch import ColumnSketch, is_flat

if TYPE_CHECKING:
    import polars as pl


class Column:
    """Takes the values of one column. kept: the most distinct values that are counted, or whose
    hashes are kept.
    """

    def __init__(self, dtype: pl.DataType, kept: int) -> None:
        import polars as pl

        self._dtype, self._kept = dtype, kept
        self._nulls = 0
        self._counts: pl.DataFrame | None = pl.DataFrame(schema={VALUE: dtype, COUNT: pl.Int64})
        self._distinct = Distinct(np.empty(0, np.uint64))
        self._bounds = list[pl.Series]()
        self._moments = list[Moments]()

    def count(self, values: pl.Series) -> bool:
        """Count the values. False if there are too many distinct ones: `add` has to take them."""
        self._nulls += values.null_count()
        if not is_flat(self._dtype):
            return True
        if self._counts is None:
            return False
        together = self._counted(self._counts, values.drop_nulls())
        if together is None:
            before = uncounted(ColumnSketch(self._dtype, 0, self._counts), self._kept)
            self._take(before)
        self._counts = together
        return together is not None

    def _counted(self, counts: pl.DataFrame, values: pl.Series) -> pl.DataFrame | None:
        beginning = values.head(2 * self._kept)
        if len(values) > len(beginning) and beginning.n_unique() > self._kept:
            return None
        together = counted((counts, frequencies(values)))
        return together if together.height <= self._kept else None

    def add(self, values: pl.Series, known: tuple[pl.Series, Moments | None]) -> None:
        """Take values that cannot be counted. known: their bounds and moments."""
        hashes = hashes_of(values.drop_nulls())
        if self._distinct.theta < ALL:
            hashes = hashes[hashes < np.uint64(self._distinct.theta)]
        found = Distinct(hashes, self._distinct.theta)
        self._take(ColumnSketch(self._dtype, 0, None, found, *known))

    def _take(self, part: ColumnSketch) -> None:
        if part.distinct is not None:
            self._distinct = merged((self._distinct, part.distinct), self._kept)
        if part.bounds is not None:
            self._bounds.append(part.bounds)
        if part.moments is not None:
            self._moments.append(part.moments)

    def done(self) -> ColumnSketch:
        """The sketch of what was taken."""
        if not is_flat(self._dtype):
            return ColumnSketch(self._dtype, self._nulls)
        if self._counts is not None:
            return ColumnSketch(self._dtype, self._nulls, self._counts.sort(VALUE))
        return ColumnSketch(
            self._dtype,
            self._nulls,
            None,
            self._distinct,
            bounds(self._bounds),
            joined(self._moments) if self._dtype.is_numeric() else None,
        )


def known_of(
    block: pl.DataFrame, names: Sequence[str]
) -> dict[str, tuple[pl.Series, Moments | None]]:
    """Bounds and moments of these columns, in one pass."""
    expressions = [
        number.alias(f"{place}.{word}")
        for place, name in enumerate(names)
        for word, number in _numbers(exactly(name), block.schema[name])
    ]
    row = block.select(expressions)
    return {name: _known(block[name], row, str(place)) for place, name in enumerate(names)}


def _numbers(column: pl.Expr, dtype: pl.DataType) -> list[tuple[str, pl.Expr]]:
    import polars as pl

    found = [("low", column.min()), ("high", column.max())]
    if dtype.is_numeric():
        number = column.cast(pl.Float64) if dtype.is_decimal() else column
        found += [("n", column.count()), ("mean", number.mean()), ("var", number.var())]
    return found


def _known(values: pl.Series, row: pl.DataFrame, place: str) -> tuple[pl.Series, Moments | None]:
    ends = bounds((row[f"{place}.low"].alias(""), row[f"{place}.high"].alias("")))
    if not values.dtype.is_numeric():
        return ends, None
    n, mean, variance = (_number(row, f"{place}.{word}") for word in ("n", "mean", "var"))
    if not (math.isfinite(mean) and math.isfinite(variance)):
        # NaN and infinity take no part; a mean that is too large for a float stays so.
        return ends, moments_of(values.drop_nulls())
    return ends, Moments(int(n), mean, variance * max(0.0, n - 1))


def _number(row: pl.DataFrame, name: str) -> float:
    value: Any = row[name].item()
    return 0.0 if value is None else float(value)
