"""How far a window of values is from a reference: PSI and Kolmogorov–Smirnov, from bins and
quantiles.

A reference keeps bins, counts and a table of quantiles, never rows. Columns with few distinct
values get a bin for each value; others get the deciles of the reference, and a value that is more
than a tenth of it (no rain, no snow) a bin of its own. Missing values are a bin of their own, so
that a feature that stops arriving is drift too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..core.records import Number
from .spec import FeatureDrift

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

QUANTILES = 4096
"""Points of the quantile table; the KS statistic is off by at most 1 / QUANTILES."""

FLOOR = 1e-4
"""Fractions below this count as this in the PSI, so that one empty bin does not make it
infinite.
"""

Kind = Literal["number", "discrete", "category"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReference:
    """What is kept of one column.

    edges: inner bin edges of a number; its values, in order, if discrete; names, most frequent
    first, of a category. counts: rows per bin: `len(edges) + 1` for numbers, else one for each
    value and one for all others. missing, rows: counts. quantiles: of a number, `QUANTILES` of them
    or all values if there are fewer, in order. single: the column was float32.
    """

    name: str
    kind: Kind
    edges: Sequence[float | str]
    counts: Sequence[int]
    missing: int
    rows: int
    quantiles: Sequence[float] = ()
    single: bool = False


def reference(series: pl.Series) -> ColumnReference:
    """Profile one column of the training data. NaN and infinities count as missing."""
    if series.dtype.is_numeric() or series.dtype.is_(_boolean()):
        return _numeric(series)
    values = series.drop_nulls().cast(str)
    top = values.value_counts(sort=True).head(DISCRETE)
    names = [str(name) for name in top.to_series(0)]
    counts = [int(count) for count in top.to_series(1)]
    return ColumnReference(
        name=series.name,
        kind="category",
        edges=names,
        counts=[*counts, len(values) - sum(counts)],
        missing=series.null_count(),
        rows=len(series),
    )


def _boolean() -> Any:
    import polars as pl

    return pl.Boolean


def _numeric(series: pl.Series) -> ColumnReference:
    import numpy as np

    values = _finite(series)
    ordered = np.sort(values)
    distinct, times = np.unique(ordered, return_counts=True)
    discrete = len(distinct) <= DISCRETE
    edges = distinct if discrete else _bin_edges(ordered, distinct[times * BINS > len(ordered)])
    return ColumnReference(
        name=series.name,
        kind="discrete" if discrete else "number",
        edges=edges.tolist(),
        counts=[*(int(count) for count in times), 0] if discrete else _bin_counts(values, edges),
        missing=len(series) - len(values),
        rows=len(series),
        quantiles=_quantile_table(ordered),
        single=_is_float32(series),
    )


def _bin_edges(ordered: np.ndarray, frequent: np.ndarray) -> np.ndarray:
    """Inner edges of the bins: the deciles; a frequent value has a bin of its own, and the rest
    share the bins that are left equally.

    If 95 % are zeros, deciles alone would put all other values into one bin, and changes among
    them would not be noticed. Source: the compressed histogram of Poosala, Ioannidis, Haas and
    Shekita, Improved histograms for selectivity estimation of range predicates (SIGMOD 1996):
    values above 1 / bins alone, the others in bins of equal counts.
    """
    import numpy as np

    other_values = ordered[~np.isin(ordered, frequent)]
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
    counts, missing, ks = _window_counts(reference_column, window)
    index = psi([*reference_column.counts, reference_column.missing], [*counts, missing])
    rows = len(window)
    return FeatureDrift(
        feature=reference_column.name,
        kind=reference_column.kind,
        psi=Number(value=index, n=rows),
        ks=(
            None
            if ks is None
            else Number(
                value=ks,
                basis="exact" if len(reference_column.quantiles) < QUANTILES else "approx",
                n=rows,
            )
        ),
        missing_reference=Number(
            value=_share(reference_column.missing, reference_column.rows), n=reference_column.rows
        ),
        missing_window=Number(value=_share(missing, rows), n=rows),
        edges=list(reference_column.edges),
        reference=_shares(reference_column.counts),
        window=_shares(counts),
        drifted=index >= threshold,
    )


def _window_counts(
    reference_column: ColumnReference, window: pl.Series
) -> tuple[Sequence[int], int, float | None]:
    """The rows of a window in each bin of the reference, those without a value, and the
    Kolmogorov-Smirnov statistic (None for categories).
    """
    import numpy as np

    if reference_column.kind == "category":
        values = window.drop_nulls().cast(str)
        count_by_name = dict(values.value_counts().iter_rows())
        counts = [int(count_by_name.get(name, 0)) for name in reference_column.edges]
        return [*counts, len(values) - sum(counts)], window.null_count(), None
    finite = _finite(window)
    missing = len(window) - len(finite)
    # A request has 0.1 where the training data had the nearest float32: equal for the model.
    if reference_column.single:
        with np.errstate(over="ignore"):
            finite = finite.astype(np.float32).astype(np.float64)
    counts = (
        _value_counts(finite, reference_column.edges)
        if reference_column.kind == "discrete"
        else _bin_counts(finite, np.asarray(reference_column.edges))
    )
    return counts, missing, _ks(np.asarray(reference_column.quantiles), finite)


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


def _ks(quantiles: np.ndarray, values: np.ndarray) -> float | None:
    """Two-sample statistic: the largest distance of the two empirical distribution functions, over
    all points of both.
    """
    import numpy as np

    if not len(quantiles) or not len(values):
        return None
    ordered = np.sort(values)
    points = np.concatenate([quantiles, ordered])
    reference_share = np.searchsorted(quantiles, points, side="right") / len(quantiles)
    window_share = np.searchsorted(ordered, points, side="right") / len(ordered)
    return float(np.abs(reference_share - window_share).max())


def _finite(series: pl.Series) -> np.ndarray:
    import numpy as np

    values = series.cast(_float(), strict=False).to_numpy()
    return np.asarray(values[np.isfinite(values)])


def _is_float32(series: pl.Series) -> bool:
    import polars as pl

    return bool(series.dtype == pl.Float32)


def _float() -> Any:
    import polars as pl

    return pl.Float64


def _quantile_table(ordered: np.ndarray) -> list[float]:
    """The middle of each of `QUANTILES` equal shares, or every value if there are fewer."""
    import numpy as np

    if len(ordered) < QUANTILES:
        return [float(value) for value in ordered]
    positions = ((np.arange(QUANTILES) + 0.5) * len(ordered) / QUANTILES).astype(int)
    return [float(value) for value in ordered[positions]]


def _bin_counts(values: np.ndarray, edges: np.ndarray) -> list[int]:
    """Rows per bin; bin i holds edges[i - 1] < x <= edges[i]."""
    import numpy as np

    return [
        int(count)
        for count in np.bincount(
            np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1
        )
    ]


def _value_counts(values: np.ndarray, bin_values: Sequence[float | str]) -> list[int]:
    import numpy as np

    counts = [int(np.count_nonzero(values == value)) for value in bin_values]
    return [*counts, len(values) - sum(counts)]


def _share(part: int, total: int) -> float | None:
    return part / total if total else None


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
