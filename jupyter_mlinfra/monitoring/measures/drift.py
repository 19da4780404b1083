"""How far a window of values is from a reference.

A reference keeps bins, counts and a table of quantiles, never rows: `compare`. Where both sides are
at hand, all their values are compared: `compare_exactly`. Columns with few distinct values get a
bin for each value; others get the deciles of the reference, and a value that is more than a tenth
of it (no rain, no snow) a bin of its own. Missing values are a bin of their own, so that a feature
that stops arriving is drift too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ...core.frames import unnamed
from ...core.records import Basis, Number
from ..spec import FeatureDrift
from . import distances

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

DISCRETE = 20
"""Columns with at most this many distinct values get a bin for each."""

BINS = 10
"""Bins of a number, if no value is frequent enough for a bin of its own."""

FINEST = 100
"""A bin beside frequent values holds at least one row in this many of the reference: a smaller
share in a window can be chance.
"""

LEVELS = 10_000
"""A reference knows the names of at most this many categories."""

QUANTILES = 4096
"""Points of the quantile table; the KS statistic is off by at most 1 / QUANTILES. The Wasserstein
distance has no such bound, because the table leaves out the farthest values.
"""

FLOOR = 1e-4
"""Fractions below this count as this in the PSI, so that one empty bin does not make it
infinite.
"""

Kind = Literal["number", "discrete", "category", "date", "presence"]
"""Of a date, and of a value that is nothing to compare (presence), only the share of missing ones
is: they have one bin. Time goes on, so later dates are no drift.
"""
BY_NUMBER = ("number", "discrete", "date")
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReference:
    """What is kept of one column.

    edges: inner bin edges of a number; its values, in order, if discrete; names, most frequent
    first, of a category. counts: rows per bin: `len(edges) + 1` for numbers, else one for each
    value and one for all others. missing, rows: counts. quantiles: of a number, `QUANTILES` of them
    or all values if there are fewer, in order. single: the column was float32. low, high: least and
    largest number, of a date in seconds since 1970. levels: all categories, None if there were more
    than `LEVELS`. References of early versions have none of the three. source, measure: the column
    of the payload log and what is profiled of it, see `parts`; empty for the values of the column
    that is called like this.
    """

    name: str
    kind: Kind
    edges: Sequence[float | str]
    counts: Sequence[int]
    missing: int
    rows: int
    quantiles: Sequence[float] = ()
    single: bool = False
    low: float | None = None
    high: float | None = None
    levels: Sequence[str] | None = None
    source: str = ""
    measure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """One column of both sides. counts: of the same bins. ordered: sorted values, None for
    categories. basis: of what is computed from `ordered`.
    """

    name: str
    kind: Kind
    edges: Sequence[float | str]
    counts: tuple[Sequence[int], Sequence[int]]
    missing: tuple[int, int]
    rows: tuple[int, int]
    ordered: tuple[np.ndarray, np.ndarray] | None
    basis: Basis = "exact"


def reference(series: pl.Series) -> ColumnReference:
    """Profile one column of the training data. NaN and infinities count as missing."""
    if is_number(series):
        ordered = ordered_values(series)
        return _profile(series, ordered, _quantile_table(ordered))
    names, counts = levels_of(series)
    return ColumnReference(
        name=series.name,
        kind="category",
        edges=names[:DISCRETE],
        counts=[*counts[:DISCRETE], sum(counts[DISCRETE:])],
        missing=series.null_count(),
        rows=len(series),
        levels=names if len(names) <= LEVELS else None,
    )


def date_reference(name: str, seconds: pl.Series) -> ColumnReference:
    """Profile dates, in seconds since 1970: how many there are, the first and the last."""
    ordered = ordered_values(seconds)
    return ColumnReference(
        name=name,
        kind="date",
        edges=(),
        counts=[len(ordered)],
        missing=len(seconds) - len(ordered),
        rows=len(seconds),
        low=float(ordered[0]) if len(ordered) else None,
        high=float(ordered[-1]) if len(ordered) else None,
    )


def presence_reference(series: pl.Series) -> ColumnReference:
    """Profile how many values there are."""
    missing = series.null_count()
    return ColumnReference(
        name=series.name,
        kind="presence",
        edges=(),
        counts=[len(series) - missing],
        missing=missing,
        rows=len(series),
    )


def classes_reference(series: pl.Series, names: Sequence[str]) -> ColumnReference:
    """Profile classes of which all are known, also those that do not occur."""
    counts = dict(zip(*levels_of(series), strict=True))
    return ColumnReference(
        name=series.name,
        kind="category",
        edges=list(names),
        counts=[*(counts.get(name, 0) for name in names), 0],
        missing=series.null_count(),
        rows=len(series),
        levels=list(names),
    )


def is_number(series: pl.Series) -> bool:
    """Whether a column is compared by its values; others are by the counts of their categories."""
    import polars as pl

    return series.dtype.is_numeric() or series.dtype == pl.Boolean


def levels_of(series: pl.Series) -> tuple[list[str], list[int]]:
    """The values of a column as texts, the most frequent first, and how often they occur."""
    found = unnamed(series).drop_nulls().cast(str).value_counts(sort=True)
    return found.to_series(0).to_list(), found.to_series(1).to_list()


def _profile(series: pl.Series, ordered: np.ndarray, quantiles: Sequence[float]) -> ColumnReference:
    """The reference of a number. ordered: its values, sorted."""
    values, counts = _few_values(ordered)
    discrete = len(values) > 0 or not len(ordered)
    edges = values if discrete else _bin_edges(ordered, _frequent(ordered))
    return ColumnReference(
        name=series.name,
        kind="discrete" if discrete else "number",
        edges=edges.tolist(),
        counts=[*counts.tolist(), 0] if discrete else _bin_counts(ordered, edges),
        missing=len(series) - len(ordered),
        rows=len(series),
        quantiles=quantiles,
        single=_is_float32(series),
        low=float(ordered[0]) if len(ordered) else None,
        high=float(ordered[-1]) if len(ordered) else None,
    )


def _few_values(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values and how often each occurs; empty if there are more than `DISCRETE`."""
    import numpy as np

    some = ordered[:: max(1, len(ordered) // 1000)]
    if len(np.unique(some)) <= DISCRETE:
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        if len(starts) <= DISCRETE:
            return ordered[starts], np.diff(starts, append=len(ordered))
    return ordered[:0], np.empty(0, int)


def _frequent(ordered: np.ndarray) -> np.ndarray:
    """The values that are more than one in `BINS`: each of them fills a place that is looked at."""
    import numpy as np

    candidates = np.unique(ordered[:: max(1, len(ordered) // BINS)])
    first, last = (np.searchsorted(ordered, candidates, side=side) for side in _SIDES)
    return candidates[(last - first) * BINS > len(ordered)]


def _bin_edges(ordered: np.ndarray, frequent: np.ndarray) -> np.ndarray:
    """Inner edges of the bins: the deciles; a frequent value has a bin of its own, and the rest
    share the bins that are left equally.

    If 95 % are zeros, deciles alone would put all other values into one bin, and changes among
    them would not be noticed. Source: the compressed histogram of Poosala, Ioannidis, Haas and
    Shekita, Improved histograms for selectivity estimation of range predicates (SIGMOD 1996):
    values above 1 / bins alone, the others in bins of equal counts.
    """
    import numpy as np

    other_values = ordered[~np.isin(ordered, frequent)] if len(frequent) else ordered
    bins = BINS - len(frequent)
    if len(frequent):
        bins = max(1, min(bins, len(other_values) * FINEST // len(ordered)))
    # The bin before a frequent value ends with the last value below it.
    below = np.searchsorted(ordered, frequent, side="left") - 1
    return np.unique(
        np.concatenate(
            [
                other_values[np.arange(1, bins) * len(other_values) // bins - 1],
                frequent,
                ordered[below[below >= 0]],
            ]
        )
    )


def compare(
    reference_column: ColumnReference, window: pl.Series, *, threshold: float
) -> FeatureDrift:
    """Drift of `window` against the reference; `drifted` if the PSI is at or above `threshold`."""
    import numpy as np

    if reference_column.kind not in BY_NUMBER:
        counts_by_name = dict(zip(*levels_of(window), strict=True))
        counts = [counts_by_name.pop(str(name), 0) for name in reference_column.edges]
        counts.append(sum(counts_by_name.values()))
        missing, ordered = window.null_count(), None
    else:
        values = ordered_values(window, single=reference_column.single)
        counts, missing = counts_in_bins(reference_column, values), len(window) - len(values)
        ordered = np.asarray(reference_column.quantiles), values
    return _drift(
        _Sides(
            name=reference_column.name,
            kind=reference_column.kind,
            edges=reference_column.edges,
            counts=(reference_column.counts, counts),
            missing=(reference_column.missing, missing),
            rows=(reference_column.rows, len(window)),
            ordered=ordered,
            basis="exact" if len(reference_column.quantiles) < QUANTILES else "approx",
        ),
        threshold=threshold,
    )


def compare_exactly(before: pl.Series, window: pl.Series, *, threshold: float) -> FeatureDrift:
    """Drift of `window` against `before`, from all values of both, and all categories."""
    sides = _numbers(before, window) if is_number(before) else _categories(before, window)
    found = _drift(sides, threshold=threshold)
    if found.kind != "category" or len(found.edges) <= DISCRETE:
        return found
    return replace(
        found,
        edges=found.edges[:DISCRETE],
        reference=_shortened(found.reference),
        window=_shortened(found.window),
    )


def _numbers(before: pl.Series, window: pl.Series) -> _Sides:
    ordered = ordered_values(before)
    profile = _profile(before, ordered, ())
    values = ordered_values(window, single=profile.single)
    return _Sides(
        name=before.name,
        kind=profile.kind,
        edges=profile.edges,
        counts=(profile.counts, counts_in_bins(profile, values)),
        missing=(profile.missing, len(window) - len(values)),
        rows=(len(before), len(window)),
        ordered=(ordered, values),
    )


def _categories(before: pl.Series, window: pl.Series) -> _Sides:
    names, counts = levels_of(before)
    counts_by_name = dict(zip(*levels_of(window), strict=True))
    new = [name for name in counts_by_name if name not in set(names)]
    return _Sides(
        name=before.name,
        kind="category",
        edges=[*names, *new],
        counts=(
            [*counts, *[0] * len(new), 0],
            [*(counts_by_name.get(name, 0) for name in (*names, *new)), 0],
        ),
        missing=(before.null_count(), window.null_count()),
        rows=(len(before), len(window)),
        ordered=None,
    )


def _shortened(fractions: Sequence[float]) -> list[float]:
    """Those of the first categories, and of all others together."""
    return [*fractions[:DISCRETE], sum(fractions[DISCRETE:])]


def _drift(sides: _Sides, *, threshold: float) -> FeatureDrift:
    rows = sides.rows[1]
    before, window = (
        [*counts, missing] for counts, missing in zip(sides.counts, sides.missing, strict=True)
    )
    index = psi(before, window)

    def of_histograms(distance: Callable[[Sequence[int], Sequence[int]], float]) -> Number:
        return Number(value=distance(before, window) if all(sides.rows) else None, n=rows)

    def of_values(distance: Callable[[np.ndarray, np.ndarray], float]) -> Number | None:
        if sides.ordered is None or not all(map(len, sides.ordered)):
            return None
        return Number(value=distance(*sides.ordered), basis=sides.basis, n=rows)

    return FeatureDrift(
        feature=sides.name,
        kind=sides.kind,
        psi=Number(value=index, n=rows),
        ks=of_values(distances.kolmogorov_smirnov),
        wasserstein=of_values(distances.wasserstein),
        js=of_histograms(distances.jensen_shannon),
        hellinger=of_histograms(distances.hellinger),
        chi2=of_histograms(distances.chi_squared),
        missing_reference=Number(value=share(sides.missing[0], sides.rows[0]), n=sides.rows[0]),
        missing_window=Number(value=share(sides.missing[1], rows), n=rows),
        edges=list(sides.edges),
        reference=shares(sides.counts[0]),
        window=shares(sides.counts[1]),
        drifted=index >= threshold,
    )


def psi(reference: Sequence[int], window: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins: Σ (w − r) · ln(w / r),
    fractions floored at `FLOOR`.

    Below 0.1 small, from 0.2 large. 0.0 when either side is empty. Source: Siddiqi, Credit Risk
    Scorecards (2006), ch. 10; it is the Jeffreys divergence of the two histograms.
    """
    import numpy as np

    expected, actual = np.asarray(reference, float), np.asarray(window, float)
    if not expected.sum() or not actual.sum():
        return 0.0
    expected, actual = (
        np.maximum(expected / expected.sum(), FLOOR),
        np.maximum(actual / actual.sum(), FLOOR),
    )
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def ordered_values(series: pl.Series, *, single: bool = False) -> np.ndarray:
    """The finite values, sorted. single: as the nearest float32, because a request has 0.1 where
    the training data had that: equal for the model.
    """
    import numpy as np
    import polars as pl

    values = series.cast(pl.Float64, strict=False).to_numpy()
    values = values[np.isfinite(values)]
    if single:
        farthest = np.finfo(np.float32).max
        values = values.clip(-farthest, farthest).astype(np.float32).astype(np.float64)
    values.sort()
    return values


def _is_float32(series: pl.Series) -> bool:
    import polars as pl

    return bool(series.dtype == pl.Float32)


def _quantile_table(ordered: np.ndarray) -> list[float]:
    """The middle of each of `QUANTILES` equal shares, or every value if there are fewer."""
    import numpy as np

    if len(ordered) < QUANTILES:
        return [float(value) for value in ordered]
    positions = ((np.arange(QUANTILES) + 0.5) * len(ordered) / QUANTILES).astype(int)
    return [float(value) for value in ordered[positions]]


def counts_in_bins(column: ColumnReference, ordered: np.ndarray) -> list[int]:
    """Sorted values in each bin of a number."""
    import numpy as np

    edges = np.asarray(column.edges, float)
    if column.kind != "discrete":
        return _bin_counts(ordered, edges)
    times = np.searchsorted(ordered, edges, side="right") - np.searchsorted(ordered, edges)
    return [*times.tolist(), len(ordered) - int(times.sum())]


def _bin_counts(ordered: np.ndarray, edges: np.ndarray) -> list[int]:
    """Sorted values per bin; bin i holds edges[i - 1] < x <= edges[i]."""
    import numpy as np

    ends = np.searchsorted(ordered, edges, side="right")
    counts: list[int] = np.diff(ends, prepend=0, append=len(ordered)).tolist()
    return counts


def share(part: int, total: int) -> float | None:
    """`part` of `total`; None of nothing."""
    return part / total if total else None


def shares(counts: Sequence[int]) -> list[float]:
    """Each count as a share of all."""
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
