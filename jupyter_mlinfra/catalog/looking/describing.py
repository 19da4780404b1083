"""What a sketch tells of each column, with the basis of every number."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.records import MASK
from ..odd_times import python_values
from ..rows import plain
from ..spec import Certainty, ColumnProfile
from ..uuids import UUID, as_text
from .counting import COUNT, VALUE, frequencies
from .moments import moments_of
from .shapes import VALUES, scaled, shape_of, shape_of_words
from .sketch import ColumnSketch, Sketch

if TYPE_CHECKING:
    import polars as pl

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP = 20
_RANK_ERROR = 1.358
"""Over √n: the largest error of a quantile's rank in 19 of 20 samples (Kolmogorov)."""

_MOSTLY_UNIQUE = 0.5


def profiles_of(
    sketch: Sketch, types: Mapping[str, str], *, of: int | None = None
) -> dict[str, ColumnProfile]:
    """The profile of every column of `sketch`, by name, in the order of `types`.

    of: if these rows are a sample, how many it was taken from; counts are then estimated for all.
    """
    return {
        name: _Column(name, kind, sketch, of).profile()
        for name, kind in types.items()
        if name in sketch.columns
    }


def without_values(
    profiles: Mapping[str, ColumnProfile], columns: Collection[str]
) -> dict[str, ColumnProfile]:
    """The same without any value of these columns: only how many are missing or distinct."""
    return {name: _hidden(item) if name in columns else item for name, item in profiles.items()}


def _hidden(column: ColumnProfile) -> ColumnProfile:
    shown = ("nulls", "distinct")
    return ColumnProfile(
        type=column.type,
        nulls=column.nulls,
        distinct=column.distinct,
        min=MASK,
        max=MASK,
        basis={key: word for key, word in column.basis.items() if key in shown},
        errors={key: error for key, error in column.errors.items() if key in shown},
        sample=column.sample,
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """The values that quantiles, frequent values and the shape are told from, in order.

    counts: rows with each. counted: each value is there once. factor: rows of the table for one
    row here.
    """

    values: pl.Series
    counts: np.ndarray[Any, Any]
    counted: bool
    basis: Certainty
    factor: float = 1.0


class _Column:
    """One column of a sketch, and what is told of it."""

    def __init__(self, name: str, kind: str, sketch: Sketch, of: int | None) -> None:
        self._name, self._kind, self._sketch, self._of = name, kind, sketch, of
        self._sketched = sketch.columns[name]
        self._sample = sketch.sample[name] if name in sketch.sample.columns else None
        if kind == UUID:
            self._sketched, self._sample = _with_text(self._sketched, self._sample)
        self._basis: Certainty = "exact" if of is None else "sample"
        self._factor = 1.0 if of is None or not sketch.rows else of / sketch.rows
        self._found: dict[str, Any] = {}
        self._bases: dict[str, Certainty] = {}
        self._errors: dict[str, float] = {}
        self._size = None if of is None else sketch.rows

    def profile(self) -> ColumnProfile:
        self._note("nulls", round(self._sketched.nulls * self._factor), self._basis)
        if self._sketched.counts is not None or self._sketched.distinct is not None:
            self._tell()
        return ColumnProfile(
            type=self._kind,
            basis=self._bases,
            errors=self._errors,
            sample=self._size,
            **self._found,
        )

    def _note(self, key: str, value: Any, basis: Certainty) -> None:
        self._found[key] = value
        self._bases[key] = basis

    def _tell(self) -> None:
        self._tell_distinct()
        self._tell_bounds()
        if self._sketched.dtype.is_numeric():
            self._tell_moments()
        found = self._values()
        self._tell_top(found)
        if not _is_word(self._sketched.dtype):
            self._tell_quantiles(found)
            self._tell_shape(found)

    def _tell_distinct(self) -> None:
        column = self._sketched
        if column.counts is not None:
            self._note("distinct", column.counts.height, self._basis)
        elif column.distinct is not None:
            error = column.distinct.error()
            count = min(column.distinct.count(), self._sketch.rows - column.nulls)
            self._note("distinct", count, self._basis if error is None else "approximate")
            if error is not None:
                self._errors["distinct"] = error

    def _tell_bounds(self) -> None:
        import polars as pl

        column = self._sketched
        if column.dtype in (pl.Boolean(), pl.Binary()):
            return
        ends = column.bounds
        if column.counts is not None:
            ends = _without(column.counts[VALUE], np.isnan)
        if ends is not None and len(ends):
            found = [plain(value) for value in python_values(ends[[0, -1]])]
            self._note("min", found[0], self._basis)
            self._note("max", found[-1], self._basis)

    def _tell_moments(self) -> None:
        column = self._sketched
        moments = column.moments
        if column.counts is not None:
            moments = moments_of(column.counts[VALUE], column.counts[COUNT])
        if moments is None or not moments.n:
            return
        self._note("mean", moments.average, self._basis)
        if (std := moments.std()) is not None:
            self._note("std", std, self._basis)

    def _values(self) -> _Values:
        counts = self._sketched.counts
        if counts is not None:
            return _Values(counts[VALUE], counts[COUNT].to_numpy(), True, self._basis, self._factor)
        sample = self._sample
        if sample is None:  # of a list or struct, of which no values are told
            raise LookupError(self._name)
        sampled = sample.drop_nulls().sort()
        if self._sketch.theta < 1:
            self._size = len(sample)
        complete = self._sketch.theta >= 1
        return _Values(
            sampled,
            np.ones(len(sampled), np.int64),
            False,
            self._basis if complete else "sample",
            (self._of or self._sketch.rows) / max(1, len(sample)),
        )

    def _tell_top(self, found: _Values) -> None:
        import polars as pl

        words = _is_word(self._sketched.dtype)
        present = self._sketch.rows - self._sketched.nulls
        distinct = self._found["distinct"]
        values, counts = found.values, found.counts
        if not found.counted:
            if distinct > _MOSTLY_UNIQUE * present and not words:
                return
            frequent = frequencies(values).filter(pl.col(COUNT) > 1).sort(VALUE)
            values, counts = frequent[VALUE], frequent[COUNT].to_numpy()
        order = np.argsort(-counts, kind="stable")[: max(TOP, VALUES)]
        pairs = [
            (plain(value), int(count))
            for value, count in zip(python_values(values[order]), counts[order], strict=True)
        ]
        if pairs:
            top = [(value, round(count * found.factor)) for value, count in pairs[:TOP]]
            self._note("top", top, found.basis)
        # Of the rows that were counted: the estimates for all do not add up to all.
        total = round(present * self._factor / found.factor)
        if words and (shape := shape_of_words(pairs, distinct, total)):
            self._note("shape", scaled(shape, found.factor), found.basis)

    def _tell_quantiles(self, found: _Values) -> None:
        import polars as pl

        values = _without(found.values, np.isnan)
        if not len(values) or values.dtype == pl.Boolean:
            return
        cumulated = np.cumsum(found.counts[: len(values)])
        total = int(cumulated[-1])
        places = [int(np.searchsorted(cumulated, math.ceil(share * total))) for share in QUANTILES]
        chosen = [plain(value) for value in python_values(values[places])]
        quantiles = {f"{share:g}": value for share, value in zip(QUANTILES, chosen, strict=True)}
        self._note("quantiles", quantiles, found.basis)
        if found.basis == "sample":
            self._errors["quantiles"] = _RANK_ERROR / math.sqrt(total)

    def _tell_shape(self, found: _Values) -> None:
        low = _without(found.values, np.isneginf, last=False)
        values = _without(low, lambda numbers: ~np.isfinite(numbers))
        start = len(found.values) - len(low)
        counts = found.counts[start : start + len(values)]
        if shape := shape_of(values, counts, counted=found.counted):
            shape = shape if found.factor == 1 else scaled(shape, found.factor)
            self._note("shape", shape, found.basis)


def _with_text(
    column: ColumnSketch, sample: pl.Series | None
) -> tuple[ColumnSketch, pl.Series | None]:
    """The sketch of UUIDs with text in place of their bytes."""
    import polars as pl

    def text(values: pl.Series) -> pl.Series:
        return values.to_frame("uuid").select(as_text(pl.col("uuid"))).to_series()

    counts, bounds = column.counts, column.bounds
    return replace(
        column,
        dtype=pl.String(),
        counts=None if counts is None else counts.with_columns(as_text(pl.col(VALUE)).alias(VALUE)),
        bounds=None if bounds is None else text(bounds),
    ), None if sample is None else text(sample)


def _without(
    values: pl.Series,
    odd: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    *,
    last: bool = True,
) -> pl.Series:
    """Values in order without the odd floats at their end, or at their beginning."""
    if not values.dtype.is_float():
        return values
    many = int(np.count_nonzero(odd(values.to_numpy())))
    return values.head(len(values) - many) if last else values.tail(len(values) - many)


def _is_word(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.base_type() in (pl.String, pl.Binary, pl.Categorical, pl.Enum)
