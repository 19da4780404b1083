"""Confidence sequences: intervals that all hold at the same time, after every observation.

An interval at 95 % is right at the moment for which it was planned. Looked at after every
observation, it excludes the truth at some time almost surely. A confidence sequence does so with
probability alpha over the whole of time, so one may look and stop whenever one likes.

Sources: Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic
confidence sequences"; Waudby-Smith and Ramdas (2023), "Estimating means of bounded random variables
by betting"; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit
theory and asymptotic confidence sequences".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Numbers = Floats | float

_JEFFREYS = 0.5
_HALVINGS = 60
"""Steps of a bisection in [0, 1]: to the last bit of a double."""
_SPLITS = 101
_GRID = 1000
_CHUNK = 2_000_000
"""Numbers that the betting method holds at a time: 16 MB."""


def normal_boundary(v: Numbers, *, alpha: float, optimal_v: float) -> Any:
    """How far a sum with variance process `v` strays from its mean, with probability alpha at any
    time, in either direction. optimal_v: where the boundary is tightest.

    Source: Howard et al. (2021), the two-sided normal mixture (their equation 14), with its rho for
    `optimal_v` (section 3.5, its approximation).
    """
    import numpy as np

    logs = 2 * np.log(1 / alpha)
    rho = optimal_v / (logs + np.log(1 + logs))
    return np.sqrt((np.asarray(v) + rho) * (np.log1p(np.asarray(v) / rho) + logs))


def mean_difference(
    n: tuple[Numbers, Numbers],
    variance: tuple[Numbers, Numbers],
    *,
    alpha: float,
    optimal_n: float,
) -> Any:
    """Half the width of the asymptotic confidence sequence for the difference of two means.

    n, variance: of the two arms so far. optimal_n: observations of both arms together at which it
    is narrowest. It holds for outcomes of any distribution with a variance, from some number of
    observations on: as the central limit theorem does, but for all later times at once.

    Source: Waudby-Smith et al. (2024), theorem 2.2 for the mean of the pseudo-outcomes of their
    section 3, whose variance over n observations is that of the difference in means.
    """
    import numpy as np

    first, second = (np.asarray(count, dtype=float) for count in n)
    total = first + second
    spread = np.asarray(variance[0]) / first + np.asarray(variance[1]) / second
    # In units of the standard deviation the variance process is the number of observations.
    boundary = normal_boundary(total, alpha=alpha, optimal_v=optimal_n)
    return boundary * np.sqrt(spread / total)


def proportion(successes: Numbers, n: Numbers, *, alpha: float) -> tuple[Any, Any]:
    """Ends of the confidence sequence for a proportion: exact for any n, from the counts alone.

    Source: the likelihood ratio of a beta mixture against the proportion (Robbins 1970; Howard et
    al. 2021, section 3.1), which is a martingale; the mixture is Jeffreys' prior, so nothing is
    tuned.
    """
    import numpy as np

    budget = np.log(1 / alpha)
    return _end(successes, n, budget, 0.0), _end(successes, n, budget, 1.0)


def equality_evidence(successes: tuple[Numbers, Numbers], n: tuple[Numbers, Numbers]) -> Any:
    """Logarithm of the evidence against two equal proportions; above log(1 / alpha) at any time
    with probability alpha at most, if they are equal.

    It is the smallest product, over the common proportion, of the two martingales of `proportion`.
    """
    import numpy as np

    pooled = (np.asarray(successes[0]) + successes[1]) / (np.asarray(n[0]) + n[1])
    return _log_martingale(successes[0], n[0], pooled) + _log_martingale(successes[1], n[1], pooled)


def proportion_difference(
    successes: tuple[float, float], n: tuple[float, float], *, alpha: float
) -> tuple[float, float]:
    """Ends of the confidence sequence for the second proportion minus the first: exact for any n.

    The pairs of proportions at which the product of the two martingales of `proportion` is below
    1 / alpha are a confidence set that is convex; these are its two tangents.
    """
    import numpy as np

    budget = float(np.log(1 / alpha))
    least = [
        float(_log_martingale(successes[arm], n[arm], _centre(successes[arm], n[arm])))
        for arm in (0, 1)
    ]
    ends = []
    for edges in ((1.0, 0.0), (0.0, 1.0)):
        # What one proportion spends of the budget, the other has not; the best split is unique.
        first, last = least[1], budget - least[0]
        for _ in range(3):
            spent = np.linspace(first, last, _SPLITS)
            second = _end(np.full(_SPLITS, successes[1]), n[1], spent, edges[1])
            other = _end(np.full(_SPLITS, successes[0]), n[0], budget - spent, edges[0])
            reach = (second - other) * (1 if edges[1] else -1)
            best = int(reach.argmax())
            first, last = spent[max(best - 1, 0)], spent[min(best + 1, _SPLITS - 1)]
        ends.append(float((second - other)[best]))
    return ends[0], ends[1]


def _log_martingale(successes: Numbers, n: Numbers, p: Numbers) -> Any:
    import numpy as np
    from scipy.special import betaln, xlog1py, xlogy

    hits = np.asarray(successes, dtype=float)
    misses = np.asarray(n, dtype=float) - hits
    mixture = betaln(_JEFFREYS + hits, _JEFFREYS + misses) - betaln(_JEFFREYS, _JEFFREYS)
    return mixture - xlogy(hits, p) - xlog1py(misses, -np.asarray(p))


def _centre(successes: Numbers, n: Numbers) -> Any:
    import numpy as np

    hits, count = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    hits, count = np.broadcast_arrays(hits, count)
    return np.divide(hits, count, out=np.full(hits.shape, 0.5), where=count > 0)


def _end(successes: Numbers, n: Numbers, budget: Numbers, edge: float) -> Any:
    """The proportion nearest to `edge` at which the martingale's logarithm is within the budget."""
    import numpy as np

    inside = _centre(successes, n)
    outside = np.full(inside.shape, edge)
    with np.errstate(divide="ignore"):
        reached = _log_martingale(successes, n, outside) <= budget
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            good = _log_martingale(successes, n, middle) <= budget
            inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
    return np.where(reached, edge, outside)


def bounded_mean(
    values: Floats, *, alpha: float, low: float = 0.0, high: float = 1.0
) -> tuple[float, float]:
    """The interval at the end of `values`, which are between `low` and `high` and in the order in
    which they came. It is the intersection of the intervals at all times, and exact for any n.

    Source: Waudby-Smith and Ramdas (2023), the hedged capital of their theorem 3 with the bets of
    their equation 26. n × 1,000 steps.
    """
    import numpy as np

    scaled = (np.asarray(values, dtype=float) - low) / (high - low)
    if not len(scaled):
        return low, high
    bets = _bets(scaled, alpha)
    grid = np.linspace(0, 1, _GRID + 1)
    kept = np.empty(len(grid), dtype=bool)
    step = max(1, _CHUNK // len(scaled))
    for start in range(0, len(grid), step):
        part = grid[start : start + step, None]
        kept[start : start + step] = _log_capital(scaled, bets, part) < np.log(1 / alpha)
    inside = np.flatnonzero(kept)
    if not len(inside):  # the truth is between two points of the grid
        near = float(np.mean(scaled))
        lowest, highest = np.floor(near * _GRID) / _GRID, np.ceil(near * _GRID) / _GRID
    else:
        # The ends are where the grid has just been left: outwards by one point, so never too near.
        lowest, highest = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, _GRID)]
    return low + float(lowest) * (high - low), low + float(highest) * (high - low)


def _bets(scaled: Floats, alpha: float) -> Floats:
    """What is staked on each observation, by those before it."""
    import numpy as np

    time = np.arange(1, len(scaled) + 1)
    means = (0.5 + np.cumsum(scaled)) / (time + 1)
    variances = (0.25 + np.cumsum((scaled - means) ** 2)) / (time + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    bets: Floats = np.sqrt(2 * np.log(2 / alpha) / (before * time * np.log1p(time)))
    return bets


def _log_capital(scaled: Floats, bets: Floats, means: Floats) -> Floats:
    """The largest log capital so far of a gambler who bets against each mean, half of it on either
    side. At most half of what could be lost is staked.
    """
    import numpy as np

    with np.errstate(divide="ignore"):
        up, down = np.minimum(bets, 0.5 / means), np.minimum(bets, 0.5 / (1 - means))
    gains = scaled - means
    # Never below -1/2, so the logarithm is finite.
    rising = np.cumsum(np.log1p(up * gains), axis=1).max(axis=1)
    falling = np.cumsum(np.log1p(-down * gains), axis=1).max(axis=1)
    capital: Floats = np.maximum(rising, falling) + np.log(0.5)
    return capital
