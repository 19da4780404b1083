"""A summary of many numbers: their quantiles, with a bound on the error.

It is deterministic: the same values give the same summary, in whatever order they came. Summaries
are merged without loss, and shortened by taking the middle value of equal shares; each shortening
adds at most half a share to the error, which is counted. (A randomised sketch such as KLL has
bounds that hold with a probability, and is not the same twice.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """values: distinct, in order. weights: how many values each stands for. error: by how many
    values the rank of any number may be off, at most; 0 if nothing was left out.
    """

    values: np.ndarray
    weights: np.ndarray
    error: int = 0

    @property
    def rows(self) -> int:
        """How many values it stands for."""
        return int(self.weights.sum())

    @property
    def relative_error(self) -> float:
        """The error of a rank, as a share of the values."""
        return self.error / self.rows if self.rows else 0.0

    def at(self, share: float) -> float | None:
        """The value below which this share of the values lies; None without values."""
        import numpy as np

        if not len(self.values):
            return None
        ends = np.cumsum(self.weights)
        position = min(int(share * ends[-1]), int(ends[-1]) - 1)
        return float(self.values[np.searchsorted(ends, position, side="right")])


def nothing() -> Quantiles:
    """The summary of no values."""
    import numpy as np

    return Quantiles(np.empty(0), np.empty(0, np.int64))


def of_sorted(ordered: np.ndarray, points: int) -> Quantiles:
    """Summarise finite, sorted values by at most `points` of them: exactly, if no more differ."""
    import numpy as np

    if not len(ordered):
        return nothing()
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    weights = np.diff(starts, append=len(ordered)).astype(np.int64)
    return shortened(Quantiles(ordered[starts].astype(np.float64), weights), points)


def merged(summaries: Sequence[Quantiles]) -> Quantiles:
    """The summary of all values together. The errors add up, so relative to the values the error is
    at most that of the worst part.
    """
    import numpy as np

    if len(summaries) < 2:
        return summaries[0] if summaries else nothing()
    values = np.concatenate([item.values for item in summaries])
    weights = np.concatenate([item.weights for item in summaries])
    distinct, places = np.unique(values, return_inverse=True)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, places, weights)
    return Quantiles(distinct, total, sum(item.error for item in summaries))


def shortened(summary: Quantiles, points: int) -> Quantiles:
    """The same with at most `points` values: of each of so many equal shares its middle value.

    For a number inside a share, at most half of the share is counted on the wrong side of it.
    """
    import numpy as np

    if len(summary.values) <= points:
        return summary
    ends = np.cumsum(summary.weights)
    bounds = np.arange(points + 1) * int(ends[-1]) // points
    middles = (bounds[:-1] + bounds[1:]) // 2
    values = summary.values[np.searchsorted(ends, middles, side="right")]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    shares = np.diff(bounds)
    weights = np.add.reduceat(shares, starts).astype(np.int64)
    return Quantiles(values[starts], weights, summary.error + int(shares.max()) // 2)


def kolmogorov_smirnov(one: Quantiles, other: Quantiles) -> float:
    """The two-sample statistic; off by at most the sum of both relative errors. Neither is
    empty.
    """
    import numpy as np

    points = np.union1d(one.values, other.values)
    return float(np.abs(_share_up_to(one, points) - _share_up_to(other, points)).max())


def wasserstein(one: Quantiles, other: Quantiles) -> float:
    """The first Wasserstein distance, in units of the values: ∫ |F − G|. Neither is empty. Off by
    at most the sum of both relative errors times the range of the values.
    """
    import numpy as np

    points = np.union1d(one.values, other.values)
    apart = np.abs(_share_up_to(one, points) - _share_up_to(other, points))
    return float(np.dot(apart[:-1], np.diff(points)))


def _share_up_to(summary: Quantiles, points: np.ndarray) -> np.ndarray:
    import numpy as np

    ends = np.concatenate([[0], np.cumsum(summary.weights)])
    return np.asarray(ends[np.searchsorted(summary.values, points, side="right")] / ends[-1])
