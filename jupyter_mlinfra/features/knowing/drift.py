"""Drift: how far the rows of a feature after the training window are from those in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.frames import exactly
from ...core.records import Basis, Number
from ..definitions import Definition
from ..join import moment
from ..sources import scan
from .spec import TrainingWindow

if TYPE_CHECKING:
    import polars as pl

    Counts = np.ndarray[Any, Any]

FEWEST = 100
"""Rows that each side needs: of fewer, the index is mostly noise."""

SAMPLED = 65_536
"""Rows of each side that are looked at; of more, a random sample."""

BINS, WORDS = 10, 20
"""Bins of equally many training rows, for numbers and times; values that count each on its own, of
words the most frequent, of numbers and times if there are no more.
"""

_SMOOTH = 0.5


@dataclass(frozen=True, slots=True)
class Drift:
    """psi: the population stability index. ks: the largest distance of the distributions, for
    numbers and times.
    """

    psi: Number
    ks: Number | None


def drifts(view: Definition, repo: Path, window: TrainingWindow) -> tuple[dict[str, Drift], str]:
    """The drift of each feature, and why there is none: the rows of the source after the window
    against those that a join could use in it.
    """
    import polars as pl

    assert view.source is not None  # there was a training set
    frame = scan(view.source, repo)
    schema, time = frame.collect_schema(), view.source.time
    start = window.first - (view.ttl or timedelta(0))
    last = moment(window.last, schema[time])
    names = [column.name for column in view.features if column.name in schema]
    rows = frame.select(
        *map(exactly, dict.fromkeys([*names, time])), (exactly(time) > last).alias("__after")
    )
    if view.ttl is not None:
        rows = rows.filter(exactly(time) >= moment(start, schema[time]))
    before, after = (
        sample(rows.filter(side).select(map(exactly, names)), SAMPLED)
        for side in (~pl.col("__after"), pl.col("__after"))
    )
    return between(before, after)


def between(before: Side, after: Side) -> tuple[dict[str, Drift], str]:
    """The drift of each column, and why there is none: rows after the training window against those
    in it.
    """
    for side, words in ((before, "in the training window"), (after, "since the training window")):
        if side.rows < FEWEST:
            return {}, f"{side.rows:,} rows {words}; {FEWEST} are needed."
    basis: Basis = "exact" if before.whole and after.whole else "sample"
    found = {
        name: _drift(before.frame[name].alias(""), after.frame[name].alias(""), basis)
        for name, dtype in before.frame.schema.items()
        if _is_comparable(dtype)
    }
    return found, ""


@dataclass(frozen=True, slots=True)
class Side:
    """Rows that are looked at, of how many."""

    frame: pl.DataFrame
    rows: int

    @property
    def whole(self) -> bool:
        return self.frame.height == self.rows


def sample(rows: pl.LazyFrame, size: int) -> Side:
    """At most about `size` of the rows, by chance; the same ones each time."""
    import polars as pl

    total = int(rows.select(pl.len()).collect(engine="streaming").item())
    if total > size:
        below = pl.lit(int(size / total * 2**64), pl.UInt64)
        rows = rows.with_row_index("\0row").filter(pl.col("\0row").hash(0) < below).drop("\0row")
    return Side(rows.collect(engine="streaming"), total)


def _is_comparable(dtype: pl.DataType) -> bool:
    import polars as pl

    return not (dtype.is_nested() or dtype in (pl.Null(), pl.Object(), pl.Binary()))


def _drift(before: pl.Series, after: pl.Series, basis: Basis) -> Drift:
    rows = len(after)
    if before.dtype.is_numeric() or before.dtype.is_temporal():
        old, new = _numbers(before), _numbers(after)
        sides = _binned(old, new, len(before) - len(old), rows - len(new))
        distance = ks(old, new)
    else:
        sides, distance = _worded(before, after), None
    return Drift(
        psi=Number(value=psi(*sides), basis=basis, n=rows),
        ks=None if distance is None else Number(value=distance, basis=basis, n=rows),
    )


def _numbers(values: pl.Series) -> Counts:
    """Those that are finite, in order; whole ones are not rounded."""
    import polars as pl

    numbers = values.drop_nulls().to_physical()
    if numbers.dtype.is_float():
        return np.sort(numbers.filter(numbers.is_finite()).cast(pl.Float64).to_numpy())
    wide = numbers.dtype in (pl.Int128(), pl.UInt128())  # NumPy has none: integers of Python
    return np.sort(np.array(numbers.to_list(), object) if wide else numbers.to_numpy())


def _binned(old: Counts, new: Counts, old_gaps: int, new_gaps: int) -> tuple[Counts, Counts]:
    """Rows of both sides by bins, and those without a number. Few different old values have a bin
    each, and what lies between them has one; many are in bins that hold equally many. What is below
    all old values, or above them, is a bin of its own.
    """
    if not len(old):
        return np.array([0, old_gaps]), np.array([len(new), new_gaps])
    low, high = old[0], old[-1]
    values = np.unique(old)
    few = len(values) <= WORDS
    shares = np.arange(1, BINS) / BINS
    edges = values if few else np.unique(old[(shares * len(old)).astype(np.int64)])

    def counts(side: Counts, gaps: int) -> Counts:
        within = side[(side >= low) & (side <= high)]
        places = np.searchsorted(edges, within, side="right")
        if few:
            between = edges[places - 1] != within
            places = np.where(between, 0, places)
        held = np.bincount(places, minlength=len(edges) + 1)
        return np.append(held, [(side < low).sum(), (side > high).sum(), gaps])

    return counts(old, old_gaps), counts(new, new_gaps)


def _worded(before: pl.Series, after: pl.Series) -> tuple[Counts, Counts]:
    """Rows of both sides by the most frequent old words, the other old ones, those that are new,
    and those without a word.
    """
    import polars as pl

    old, new = before.cast(pl.String), after.cast(pl.String)
    found = old.drop_nulls().value_counts(sort=True).to_series(0)
    words = found.head(WORDS).to_list()

    def counts(side: pl.Series) -> Counts:
        each = [int((side == word).sum()) for word in words]
        gaps, known = side.null_count(), int(side.drop_nulls().is_in(found.to_list()).sum())
        return np.array([*each, known - sum(each), len(side) - gaps - known, gaps])

    return counts(old), counts(new)


def psi(old: Counts, new: Counts) -> float:
    """The population stability index of counts by bins: Σ (q − p) · ln(q / p). Bins that hold
    nothing on both sides do not count; an empty one on one side counts as half a row.
    """
    held = (old + new) > 0
    p, q = (np.maximum(side[held], _SMOOTH) / max(1, int(side.sum())) for side in (old, new))
    found = float(np.sum((q - p) * np.log(q / p)))
    return 0.0 if math.isclose(found, 0.0, abs_tol=1e-12) else found


def ks(old: Counts, new: Counts) -> float | None:
    """The statistic of Kolmogorov and Smirnov of two samples in order; None if one is empty."""
    if not len(old) or not len(new):
        return None
    both = np.concatenate([old, new])
    below = [np.searchsorted(side, both, side="right") / len(side) for side in (old, new)]
    return float(np.max(np.abs(below[0] - below[1])))
