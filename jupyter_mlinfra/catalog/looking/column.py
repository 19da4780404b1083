"""The sketch of one column, from block to block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.frames import exactly
from .counting import COUNT, VALUE, bounds, counted, uncounted
from .distinct import ALL, Distinct, hashes_of, merged
from .moments import Moments, joined, moments_of, needs_origin
from .sketch import ColumnSketch, is_flat

if TYPE_CHECKING:
    import polars as pl


class Column:
    """Takes the values of one column. kept: the most distinct values that are counted, or whose
    hashes are kept.
    """

    def __init__(self, dtype: pl.DataType, kept: int) -> None:
        self._dtype, self.kept = dtype, kept
        self.counts = is_flat(dtype)
        """Whether its distinct values are few so far."""
        self._nulls = 0
        self._counts: pl.DataFrame | None = None
        self._is_sorted = True
        self._distinct = Distinct(np.empty(0, np.uint64))
        self._waiting: list[Distinct] = []
        self._bounds: list[pl.Series] = []
        self._moments = list[Moments]()

    def count(self, values: pl.Series, found: pl.DataFrame | None) -> bool:
        """Count the values. found: their frequencies, sorted; None if there are too many. False if
        they are too many with those before: `add` has to take them.
        """
        self._nulls += values.null_count()
        if not self.counts:
            return not is_flat(self._dtype)
        before = self._counts
        if found is not None and before is not None:
            found, self._is_sorted = counted((before, found)), False
        if found is not None and found.height <= self.kept:
            self._counts = found
            return True
        if before is not None:
            self._take(uncounted(ColumnSketch(self._dtype, 0, before), self.kept))
        self.counts, self._counts = False, None
        return False

    def add(self, values: pl.Series, known: tuple[pl.Series, Moments | None]) -> None:
        """Take values that cannot be counted. known: their bounds and moments."""
        self._take(ColumnSketch(self._dtype, 0, None, None, *known))
        hashes = hashes_of(values.drop_nulls())
        # A few tell which of the others can be among the smallest.
        for some in (hashes[: 4 * self.kept], hashes[4 * self.kept :]):
            theta = self._distinct.theta
            below = some if theta == ALL else some[some < np.uint64(theta)]
            self._waiting.append(Distinct(np.sort(below), theta))
            if sum(len(part.hashes) for part in self._waiting) > 2 * self.kept:
                self._settle()

    def _settle(self) -> None:
        """Join the hashes that have come, when they are worth the work."""
        self._distinct = merged((self._distinct, *self._waiting), self.kept)
        self._waiting.clear()

    def _take(self, part: ColumnSketch) -> None:
        if part.distinct is not None:
            self._waiting.append(part.distinct)
        if part.bounds is not None:
            self._bounds.append(part.bounds)
        if part.moments is not None:
            self._moments.append(part.moments)

    def done(self) -> ColumnSketch:
        """The sketch of what was taken."""
        if not is_flat(self._dtype):
            return ColumnSketch(self._dtype, self._nulls)
        if self.counts:
            return ColumnSketch(self._dtype, self._nulls, self._all_counts())
        self._settle()
        return ColumnSketch(
            self._dtype,
            self._nulls,
            None,
            self._distinct,
            bounds(self._bounds),
            joined(self._moments) if self._dtype.is_numeric() else None,
        )

    def _all_counts(self) -> pl.DataFrame:
        import polars as pl

        if self._counts is None:
            return pl.DataFrame(schema={VALUE: self._dtype, COUNT: pl.Int64})
        return self._counts if self._is_sorted else self._counts.sort(VALUE)


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
    ends = row[f"{place}.low"].alias("").append(row[f"{place}.high"].alias("")).drop_nulls()
    if ends.dtype.is_float() and len(ends) and math.isnan(ends[0]):
        ends = ends.clear()  # there is nothing but NaN
    if not values.dtype.is_numeric():
        return ends, None
    if needs_origin(ends):
        return ends, moments_of(values.drop_nulls())
    n, mean, variance = (_number(row, f"{place}.{word}") for word in ("n", "mean", "var"))
    if not (math.isfinite(mean) and math.isfinite(variance)):
        # NaN and infinity take no part; a mean that is too large for a float stays so.
        return ends, moments_of(values.drop_nulls())
    return ends, Moments(int(n), mean, variance * max(0.0, n - 1))


def _number(row: pl.DataFrame, name: str) -> float:
    value: Any = row[name].item()
    return 0.0 if value is None else float(value)
