"""How far two samples of one column are from each other.

Two samples of numbers are each sorted once, and every distance uses that order. Histograms over the
same bins, categories among them, are compared by their counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_CELL = 64
"""Every so many values of the reference begin a new cell of the search for the KS statistic."""
_FIRST_CELLS = 64
"""How many cells are searched at first; four times as many in each later round."""


def kolmogorov_smirnov(reference: np.ndarray, window: np.ndarray) -> float:
    """The two-sample statistic: the largest distance of the two empirical distribution functions.

    reference, window: sorted, finite, not empty. Exact, without visiting every value: both
    functions are counted at the ends of cells of the reference, which bounds their distance within
    each cell, and only cells that could hold a larger one than the best so far are searched (branch
    and bound). Differences are integers over n₁·n₂, so no rounding decides.
    """
    import numpy as np

    ends = np.unique(np.append(reference[_CELL - 1 :: _CELL], reference[-1]))
    one, other = _counts_up_to(reference, window, ends)
    # What was counted at the end of the cell before.
    one_earlier, other_earlier = (np.concatenate([[0], counts[:-1]]) for counts in (one, other))
    n, m = len(reference), len(window)
    best = int(np.abs(one * m - other * n).max())
    bounds = np.maximum(one * m - other_earlier * n, other * n - one_earlier * m)
    # What lies at the end of a cell is counted already; with ties that is often all of it.
    next_other = window[np.minimum(other_earlier, m - 1)]
    inside = (reference[one_earlier] < ends) | ((other_earlier < other) & (next_other < ends))
    cells = np.flatnonzero(inside & (bounds > best))
    cells = cells[np.argsort(-bounds[cells])]
    at, step = 0, _FIRST_CELLS
    while at < len(cells) and bounds[cells[at]] > best:
        some = cells[at : at + step]
        points = np.concatenate(
            [
                reference[_ranges(one_earlier[some], one[some])],
                window[_ranges(other_earlier[some], other[some])],
            ]
        )
        one_there, other_there = _counts_up_to(reference, window, np.sort(points))
        best = max(best, int(np.abs(one_there * m - other_there * n).max()))
        at, step = at + step, step * 4
    return best / (n * m)


def wasserstein(reference: np.ndarray, window: np.ndarray) -> float:
    """The first Wasserstein distance, in units of the column: the mean distance that a value has to
    move, when the two samples are coupled in their order.

    reference, window: sorted, finite, not empty. Source: Villani, Topics in Optimal Transportation
    (2003), theorem 2.18: ∫ |F⁻¹(u) − G⁻¹(u)| du, here over the steps of both quantile functions.
    """
    import numpy as np

    n, m = len(reference), len(window)
    if n == m:
        return float(np.abs(reference - window).mean())
    # The steps are at i / n and j / m: as integers over n·m.
    steps = np.concatenate(
        [np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n]
    )
    steps.sort(kind="stable")  # two sorted runs are merged
    widths = np.diff(steps, prepend=0)
    distances = np.abs(reference[(steps - 1) // m] - window[(steps - 1) // n])
    return float(np.dot(widths, distances) / (n * m))


def jensen_shannon(reference: Sequence[int], window: Sequence[int]) -> float:
    """The Jensen–Shannon distance of two histograms, with logarithms to base 2: 0 if they are equal
    in shape, 1 if no bin is filled in both. Counts of the same bins, neither all zero.

    Source: Endres and Schindelin, A new metric for probability distributions (2003).
    """
    import numpy as np
    from scipy.special import rel_entr

    one, other = _fractions(reference), _fractions(window)
    middle = (one + other) / 2
    divergence = (rel_entr(one, middle).sum() + rel_entr(other, middle).sum()) / 2 / np.log(2)
    return float(np.sqrt(max(divergence, 0.0)))


def hellinger(reference: Sequence[int], window: Sequence[int]) -> float:
    """The Hellinger distance of two histograms, from 0 to 1. Counts of the same bins, neither all
    zero.
    """
    import numpy as np

    roots = np.sqrt(_fractions(reference)) - np.sqrt(_fractions(window))
    return float(np.sqrt(np.dot(roots, roots) / 2))


def chi_squared(reference: Sequence[int], window: Sequence[int]) -> float:
    """Pearson's statistic of homogeneity of two histograms, without a correction for continuity. It
    grows with the number of rows. Counts of the same bins, neither all zero.
    """
    import numpy as np

    counts = np.vstack([reference, window]).astype(float)
    counts = counts[:, counts.any(axis=0)]
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


def _fractions(counts: Sequence[int]) -> np.ndarray:
    import numpy as np

    found = np.asarray(counts, float)
    return np.asarray(found / found.sum())


def _counts_up_to(
    reference: np.ndarray, window: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many values of each sample are at most each point."""
    import numpy as np

    return (
        np.searchsorted(reference, points, side="right"),
        np.searchsorted(window, points, side="right"),
    )


def _ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """All integers of the half-open ranges, one range after the other."""
    import numpy as np

    lengths = ends - starts
    shifts = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return shifts + np.arange(len(shifts))
