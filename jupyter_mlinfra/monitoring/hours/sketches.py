"""What is kept of one column over an hour: counts, moments and quantiles, which can be merged.

The counts are over the bins of the reference, so distances of histograms lose nothing by merging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..measures import quantiles
from ..measures.drift import (
    BY_NUMBER,
    QUANTILES,
    ColumnReference,
    counts_in_bins,
    is_number,
    levels_of,
    ordered_values,
)
from ..measures.quantiles import Quantiles

if TYPE_CHECKING:
    import polars as pl

POINTS = 512
"""Values that an hour's summary of a column keeps."""

SEGMENT_POINTS = 64
"""The same for one segment."""

HOLD = 64
"""Summaries are shortened when so many times the points have come together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """One column over some rows.

    counts: rows per bin of the reference, as in `ColumnReference`; empty without a reference.
    missing: without a value; NaN and infinities count as missing. unseen: with a category, or one
    of few values, that the reference does not have. outside: below its least or above its largest
    value. Both are None if the reference does not say. mean, squares: of the numbers, and the sum
    of squared distances from it. low, high: the extremes. points: to keep. sums: further
    figures that add up, as their maker says.
    """

    rows: int
    missing: int
    counts: tuple[int, ...] = ()
    unseen: int | None = None
    outside: int | None = None
    numbers: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float | None = None
    high: float | None = None
    quantiles: Quantiles
    points: int = POINTS
    sums: tuple[float, ...] = ()

    @property
    def deviation(self) -> float | None:
        """The standard deviation; None for fewer than two numbers."""
        return (self.squares / (self.numbers - 1)) ** 0.5 if self.numbers > 1 else None


def sketch(column: pl.Series, reference: ColumnReference | None, *, points: int = POINTS) -> Sketch:
    """Sketch some rows of a column, over the bins of the reference if there is one."""
    by_number = reference.kind in BY_NUMBER if reference else is_number(column)
    return (
        _of_numbers(column, reference, points)
        if by_number
        else _of_texts(column, reference, points)
    )


def _of_numbers(column: pl.Series, reference: ColumnReference | None, points: int) -> Sketch:
    ordered = ordered_values(column, single=bool(reference and reference.single))
    counts = counts_in_bins(reference, ordered) if reference else []
    mean = float(ordered.mean()) if len(ordered) else 0.0
    outside = None
    bounded = reference is not None and reference.kind != "date"  # later dates are not outside
    if bounded and reference and reference.low is not None and reference.high is not None:
        inside = ordered.searchsorted(reference.high, side="right") - ordered.searchsorted(
            reference.low, side="left"
        )
        outside = len(ordered) - int(inside)
    return Sketch(
        rows=len(column),
        missing=len(column) - len(ordered),
        counts=tuple(counts),
        unseen=counts[-1] if reference and reference.kind == "discrete" else None,
        outside=outside,
        numbers=len(ordered),
        mean=mean,
        squares=float(((ordered - mean) ** 2).sum()),
        low=float(ordered[0]) if len(ordered) else None,
        high=float(ordered[-1]) if len(ordered) else None,
        quantiles=quantiles.of_sorted(ordered, points),
        points=points,
    )


def _of_texts(column: pl.Series, reference: ColumnReference | None, points: int) -> Sketch:
    counts: list[int] = []
    unseen = None
    if reference:
        by_name = dict(zip(*levels_of(column), strict=True))
        if reference.levels is not None:
            known = set(reference.levels)
            unseen = sum(count for name, count in by_name.items() if name not in known)
        counts = [by_name.pop(str(name), 0) for name in reference.edges]
        counts.append(sum(by_name.values()))
    return Sketch(
        rows=len(column),
        missing=column.null_count(),
        counts=tuple(counts),
        unseen=unseen,
        quantiles=quantiles.nothing(),
        points=points,
    )


def merge(sketches: Sequence[Sketch]) -> Sketch:
    """The sketch of all the rows, with the quantiles of all of them. Moments are added as by Chan,
    Golub and LeVeque, Algorithms for computing the sample variance (1983).
    """
    first, *others = sketches
    found = replace(first, quantiles=quantiles.merged([item.quantiles for item in sketches]))
    for item in others:
        numbers = found.numbers + item.numbers
        apart = item.mean - found.mean
        share = item.numbers / numbers if numbers else 0.0
        found = replace(
            found,
            rows=found.rows + item.rows,
            missing=found.missing + item.missing,
            counts=tuple(map(sum, zip(found.counts, item.counts, strict=True))),
            unseen=_sum(found.unseen, item.unseen),
            outside=_sum(found.outside, item.outside),
            numbers=numbers,
            mean=found.mean + apart * share,
            squares=found.squares + item.squares + apart * apart * share * found.numbers,
            low=min((x for x in (found.low, item.low) if x is not None), default=None),
            high=max((x for x in (found.high, item.high) if x is not None), default=None),
            sums=tuple(map(sum, zip(found.sums, item.sums, strict=True))),
        )
    return found


def shortened(found: Sketch) -> Sketch:
    """The same with no more quantiles than it is to keep."""
    return replace(found, quantiles=quantiles.shortened(found.quantiles, found.points))


class Gathered[Key]:
    """Sketches by a key, merged while they come: what is in memory does not grow with the rows."""

    def __init__(self) -> None:
        self._found: dict[Key, list[Sketch]] = {}

    def add(self, key: Key, found: Sketch) -> None:
        """Add the sketch of further rows."""
        held = self._found.setdefault(key, [])
        held.append(found)
        if len(held) > HOLD:
            self._found[key] = [shortened(merge(held))]

    def all(self) -> Mapping[Key, Sketch]:
        """One sketch for each key."""
        return {key: shortened(merge(held)) for key, held in self._found.items()}


def of_reference(reference: ColumnReference) -> Sketch:
    """The reference as a sketch of the training rows, to be compared with others."""
    import numpy as np

    exact = len(reference.quantiles) < QUANTILES
    values = np.asarray(reference.quantiles, float)
    table = quantiles.of_sorted(values, max(1, len(values)))
    # Each point is the middle of its share: half a share, of rows, is off.
    return Sketch(
        rows=reference.rows,
        missing=reference.missing,
        counts=tuple(reference.counts),
        numbers=reference.rows - reference.missing,
        low=reference.low,
        high=reference.high,
        quantiles=table if exact else replace(table, error=1),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
