"""How far a window of values is from a reference: PSI and Kolmogorov–Smirnov, from bins and quantiles.

A reference keeps bins, counts and a table of quantiles, never rows. Columns with few distinct values get a bin for each value;
others get the deciles of the reference. Missing values are a bin of their own, so a feature that stops coming in is drift too.
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
"""Columns with at most so many distinct values get a bin for each."""

QUANTILES = 4096
"""Points of the quantile table; the KS statistic is off by at most 1 / QUANTILES."""

FLOOR = 1e-4
"""Fractions below this count as this in the PSI, so that one empty bin does not make it infinite."""

Kind = Literal["number", "discrete", "category"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReference:
    """What is kept of one column.

    edges: inner decile edges of a number; its values, in order, if discrete; names, most frequent first, of a category.
    counts: rows per bin: `len(edges) + 1` for numbers, else one for each value and one for all others. missing, rows: counts.
    quantiles: of a number, `QUANTILES` of them or all values if there are fewer, in order.
    """

    name: str
    kind: Kind
    edges: Sequence[float | str]
    counts: Sequence[int]
    missing: int
    rows: int
    quantiles: Sequence[float] = ()


def reference(series: pl.Series) -> ColumnReference:
    """Profile one column of the training data. NaN and infinities count as missing."""
    if series.dtype.is_numeric() or series.dtype.is_(_boolean()):
        return _numeric(series)
    values = series.drop_nulls().cast(str)
    top = values.value_counts(sort=True).head(DISCRETE)
    names = [str(name) for name in top.to_series(0)]
    counts = [int(count) for count in top.to_series(1)]
    return ColumnReference(
        name=series.name, kind="category", edges=names, counts=[*counts, len(values) - sum(counts)], missing=series.null_count(), rows=len(series)
    )


def _boolean() -> Any:
    import polars as pl

    return pl.Boolean


def _numeric(series: pl.Series) -> ColumnReference:
    import numpy as np

    values = _finite(series)
    ordered = np.sort(values)
    distinct = np.unique(ordered)
    missing = len(series) - len(values)
    if len(distinct) <= DISCRETE:
        counts = [*(int(count) for count in np.unique(ordered, return_counts=True)[1]), 0]
        return ColumnReference(
            name=series.name, kind="discrete", edges=distinct.tolist(), counts=counts, missing=missing, rows=len(series), quantiles=_table(ordered)
        )
    edges = np.unique(np.quantile(ordered, np.arange(1, 10) / 10))
    return ColumnReference(
        name=series.name, kind="number", edges=edges.tolist(), counts=_bin(values, edges), missing=missing, rows=len(series), quantiles=_table(ordered)
    )


def compare(kept: ColumnReference, window: pl.Series, *, threshold: float) -> FeatureDrift:
    """Drift of `window` against the reference; `drifted` when the PSI is at or above `threshold`."""
    import numpy as np

    if kept.kind == "category":
        values = window.drop_nulls().cast(str)
        counted = dict(values.value_counts().iter_rows())
        inside = [int(counted.get(name, 0)) for name in kept.edges]
        counts, missing, ks = [*inside, len(values) - sum(inside)], window.null_count(), None
    else:
        finite = _finite(window)
        missing = len(window) - len(finite)
        counts = _at_values(finite, kept.edges) if kept.kind == "discrete" else _bin(finite, np.asarray(kept.edges))
        ks = _ks(np.asarray(kept.quantiles), finite)
    rows = len(window)
    return FeatureDrift(
        feature=kept.name,
        kind=kept.kind,
        psi=Number(value=psi([*kept.counts, kept.missing], [*counts, missing]), n=rows),
        ks=None if ks is None else Number(value=ks, basis="exact" if len(kept.quantiles) < QUANTILES else "approx", n=rows),
        missing_reference=Number(value=_share(kept.missing, kept.rows), n=kept.rows),
        missing_window=Number(value=_share(missing, rows), n=rows),
        edges=list(kept.edges),
        reference=_shares(kept.counts),
        window=_shares(counts),
        drifted=psi([*kept.counts, kept.missing], [*counts, missing]) >= threshold,
    )


def psi(reference: Sequence[int], window: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins: Σ (w − r) · ln(w / r), fractions floored at `FLOOR`.

    Below 0.1 small, from 0.2 large. 0.0 when either side is empty.
    Source: Siddiqi, Credit Risk Scorecards (2006), ch. 10; it is the Jeffreys divergence of the two histograms.
    """
    import numpy as np

    before, after = np.asarray(reference, float), np.asarray(window, float)
    if not before.sum() or not after.sum():
        return 0.0
    before, after = np.maximum(before / before.sum(), FLOOR), np.maximum(after / after.sum(), FLOOR)
    return float(np.sum((after - before) * np.log(after / before)))


def _ks(quantiles: np.ndarray, values: np.ndarray) -> float | None:
    """Two-sample statistic: the largest distance of the two empirical distribution functions, looked for at every point of both."""
    import numpy as np

    if not len(quantiles) or not len(values):
        return None
    ordered = np.sort(values)
    points = np.concatenate([quantiles, ordered])
    before = np.searchsorted(quantiles, points, side="right") / len(quantiles)
    after = np.searchsorted(ordered, points, side="right") / len(ordered)
    return float(np.abs(before - after).max())


def _finite(series: pl.Series) -> np.ndarray:
    import numpy as np

    values = series.cast(_float(), strict=False).to_numpy()
    return np.asarray(values[np.isfinite(values)])


def _float() -> Any:
    import polars as pl

    return pl.Float64


def _table(ordered: np.ndarray) -> list[float]:
    """The middle of each of `QUANTILES` equal shares, or every value when there are fewer."""
    import numpy as np

    if len(ordered) < QUANTILES:
        return [float(value) for value in ordered]
    at = ((np.arange(QUANTILES) + 0.5) * len(ordered) / QUANTILES).astype(int)
    return [float(value) for value in ordered[at]]


def _bin(values: np.ndarray, edges: np.ndarray) -> list[int]:
    """Rows per bin; bin i holds edges[i - 1] < x <= edges[i]."""
    import numpy as np

    return [int(count) for count in np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)]


def _at_values(values: np.ndarray, known: Sequence[float | str]) -> list[int]:
    import numpy as np

    inside = [int(np.count_nonzero(values == value)) for value in known]
    return [*inside, len(values) - sum(inside)]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts)
    return [count / whole if whole else 0.0 for count in counts]
