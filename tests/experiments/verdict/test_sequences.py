"""Confidence sequences against their definitions, other libraries, and simulated streams that are
looked at after every observation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from jupyter_mlinfra.experiments.verdict import (
    bounded_mean,
    equality_evidence,
    mean_difference,
    normal_boundary,
    proportion,
    proportion_difference,
    ratio_p_value,
)
from jupyter_mlinfra.experiments.verdict.judging import EVENTS, MINIMUM, MINIMUM_BINARY
from jupyter_mlinfra.experiments.verdict.sequences import _bets, _log_capital

ALPHA = 0.05
PLACES = np.arange(1, 501)
SERIES = {
    "even": PLACES * 37 % 101 / 101,
    "rare": (PLACES * 37 % 101 < 7).astype(float),
    "skewed": (PLACES * 37 % 101 / 101) ** 4,
}
# The largest logarithm of betting_mart(x, m, alpha=0.05, convex_comb=False) of confseq 0.0.11, by
# the authors of the paper, run on numpy 2.
CONFSEQ = [
    ("even", 0.05, 73.16077210622099),
    ("even", 0.3, 29.96101130448662),
    ("even", 0.45, 3.7584743873962916),
    ("even", 0.5, -0.46128970008322934),
    ("even", 0.6, 13.71477741466227),
    ("rare", 0.05, -0.3098420474632967),
    ("rare", 0.1, 1.7182586994895646),
    ("rare", 0.5, 71.17281277443227),
    ("skewed", 0.1, 14.595550544037822),
    ("skewed", 0.2, -0.4183364336794379),
    ("skewed", 0.45, 40.449866624605875),
]
# sequential_p_values(…, dirichlet_concentration=1000)[-1] of ssrm-test 0.1.5, by the authors of the
# test. Its p-values are the smallest so far; in these series that is the last one.
SSRM = [
    ([[10, 12], [14, 3], [200, 150], [400, 300]], [0.5, 0.5], 0.003375302941685895),
    ([[90, 10], [850, 130], [900, 140]], [0.9, 0.1], 0.0008266810271632333),
    ([[30, 30, 40], [300, 310, 390], [200, 330, 470]], [0.3, 0.3, 0.4], 0.0011857801421809953),
]


@pytest.mark.parametrize("v", [1.0, 50.0, 4000.0])
def test_the_boundary_is_where_the_mixture_of_bets_has_won_1_over_alpha(v: float) -> None:
    bound = float(normal_boundary(v, alpha=ALPHA, optimal_v=100.0))
    logs = 2 * np.log(1 / ALPHA)
    deviation = (100.0 / (logs + np.log(1 + logs))) ** -0.5

    def bet(size: float) -> float:
        return float(np.exp(size * bound - size**2 * v / 2) * stats.norm.pdf(size, scale=deviation))

    peak = bound / (v + deviation**-2)
    won, _ = integrate.quad(bet, peak - 12 * deviation, peak + 12 * deviation, points=[peak])
    assert won == pytest.approx(1 / ALPHA, rel=1e-6)


def test_the_boundary_is_tightest_where_it_should_be() -> None:
    chosen = normal_boundary(1000.0, alpha=ALPHA, optimal_v=1000.0)
    others = [
        normal_boundary(1000.0, alpha=ALPHA, optimal_v=at) for at in np.geomspace(50, 2e4, 99)
    ]
    assert chosen <= min(others) * 1.001


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (50, 1000), (997, 1000)])
def test_the_ends_for_a_proportion_are_where_the_mixture_has_won(hits: int, n: int) -> None:
    for end in (float(side[0]) for side in map(np.atleast_1d, proportion(hits, n, alpha=ALPHA))):
        if 0 < end < 1:

            def bet(p: float, end: float = end) -> float:
                ratio = hits * np.log(p / end) + (n - hits) * np.log((1 - p) / (1 - end))
                return float(np.exp(ratio) * stats.beta.pdf(p, 0.5, 0.5))

            won, _ = integrate.quad(bet, 0, 1, points=[hits / n], limit=500)
            assert won == pytest.approx(1 / ALPHA, rel=1e-4)
        else:
            assert end == hits / n


@pytest.mark.parametrize(
    "counts", [((100, 140), (1000, 1000)), ((0, 4), (40, 50)), ((5, 9), (9, 9))]
)
def test_the_ends_for_a_difference_are_those_of_the_set_of_pairs(counts: Any) -> None:
    (first, second), (n0, n1) = counts
    grid = np.linspace(0, 1, 2001)
    inside = _log_won(first, n0, grid)[:, None] + _log_won(second, n1, grid)[None, :] <= np.log(20)
    found = (grid[None, :] - grid[:, None])[inside]
    low, high = proportion_difference(*counts, alpha=ALPHA)
    assert low == pytest.approx(found.min(), abs=0.002)
    assert high == pytest.approx(found.max(), abs=0.002)
    assert low <= found.min() + 1e-9
    assert high >= found.max() - 1e-9


def _log_won(hits: int, n: int, p: Any) -> Any:
    with np.errstate(divide="ignore"):
        likelihood = stats.binom.logpmf(hits, n, p)
    return stats.betabinom.logpmf(hits, n, 0.5, 0.5) - likelihood


@pytest.mark.parametrize("second", range(60, 220, 8))
def test_a_difference_is_excluded_exactly_when_equality_is(second: int) -> None:
    counts = (100, second), (1000, 1100)
    low, high = proportion_difference(*counts, alpha=ALPHA)
    assert (not low <= 0 <= high) == (equality_evidence(*counts) >= np.log(1 / ALPHA))


@pytest.mark.parametrize(("name", "mean", "won"), CONFSEQ)
def test_betting_wins_what_it_wins_in_the_authors_library(
    name: str, mean: float, won: float
) -> None:
    series = SERIES[name]
    capital = _log_capital(series, _bets(series, ALPHA), np.array([[mean]]))
    assert capital[0] == pytest.approx(won, rel=1e-9)


def test_betting_keeps_the_means_against_which_little_is_won_and_knows_other_bounds() -> None:
    low, high = bounded_mean(SERIES["even"], alpha=ALPHA)
    assert 0.45 < low < np.mean(SERIES["even"]) < high < 0.55
    scaled = bounded_mean(SERIES["even"] * 40 - 10, alpha=ALPHA, low=-10, high=30)
    assert scaled == pytest.approx((low * 40 - 10, high * 40 - 10))
    assert bounded_mean(np.array([]), alpha=ALPHA) == (0, 1)


@pytest.mark.parametrize(("batches", "shares", "p_value"), SSRM)
def test_the_ratio_has_the_p_value_of_the_authors_library(
    batches: Any, shares: Any, p_value: float
) -> None:
    assert ratio_p_value(np.sum(batches, axis=0).tolist(), shares) == pytest.approx(
        p_value, rel=1e-9
    )


# --- streams


def arms(outcomes: Any, treated: Any) -> list[tuple[Any, Any, Any, Any]]:
    """n, sum, mean and variance of both arms after every observation of every stream."""
    found = []
    with np.errstate(all="ignore"):
        for mask in (~treated, treated):
            n = np.cumsum(mask, axis=1, dtype=float)
            total = np.cumsum(outcomes * mask, axis=1)
            squares = np.cumsum(outcomes * outcomes * mask, axis=1)
            mean = total / n
            found.append((n, total, mean, (squares - n * mean**2) / (n - 1)))
    return found


def looks(outcomes: Any, treated: Any, *, optimal_n: float = 10_000) -> tuple[Any, Any, Any]:
    """Difference, half the width of the always-valid interval and of the usual one, after every
    observation from which on a verdict speaks.
    """
    (n0, hits0, mean0, variance0), (n1, hits1, mean1, variance1) = arms(outcomes, treated)
    with np.errstate(all="ignore"):
        valid = mean_difference((n0, n1), (variance0, variance1), alpha=ALPHA, optimal_n=optimal_n)
        usual = 1.96 * np.sqrt(variance0 / n0 + variance1 / n1)
    if ((outcomes == 0) | (outcomes == 1)).all():
        rarest = np.minimum.reduce([hits0, hits1, n0 - hits0, n1 - hits1])
        early = (n0 < MINIMUM_BINARY) | (n1 < MINIMUM_BINARY) | (rarest < EVENTS)
    else:
        early = (n0 < MINIMUM) | (n1 < MINIMUM)
    return np.where(early, 0.0, mean1 - mean0), valid, usual


DRAWS: dict[str, Any] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "very skewed": lambda random, shape: random.lognormal(sigma=1.5, size=shape),
    "one in ten": lambda random, shape: (random.random(shape) < 0.1).astype(float),
}


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("name", DRAWS)
def test_equal_versions_are_told_apart_in_at_most_5_percent_of_streams_that_are_always_looked_at(
    name: str, share: float
) -> None:
    random = np.random.default_rng(20261128)
    shape = (400, 6000)
    treated, outcomes = random.random(shape) < share, DRAWS[name](random, shape)
    difference, valid, usual = looks(outcomes, treated)
    assert (np.abs(difference) > valid).any(axis=1).mean() <= 0.05
    # The streams are ones that mislead: the usual interval is wrong in many of them.
    assert (np.abs(difference) > usual).any(axis=1).mean() > 0.08


@pytest.mark.parametrize("chance", [0.5, 0.1])
def test_the_exact_method_is_wrong_in_fewer_streams_from_the_first_observation_on(
    chance: float,
) -> None:
    random = np.random.default_rng(7)
    shape = (600, 2000)
    treated = random.random(shape) < 0.5
    outcomes = (random.random(shape) < chance).astype(float)
    (n0, hits0, _, _), (n1, hits1, _, _) = arms(outcomes, treated)
    some = (n0 > 0) & (n1 > 0)
    evidence = equality_evidence((hits0, hits1), (np.maximum(n0, 1), np.maximum(n1, 1)))
    assert ((evidence >= np.log(1 / ALPHA)) & some).any(axis=1).mean() <= 0.05


def test_betting_keeps_the_truth_in_95_percent_of_streams() -> None:
    random = np.random.default_rng(3)
    series = random.beta(0.5, 4, size=(300, 1500))
    truth = np.array([[0.5 / 4.5]])
    lost = [_log_capital(one, _bets(one, ALPHA), truth)[0] >= np.log(1 / ALPHA) for one in series]
    assert np.mean(lost) <= 0.05


def test_shares_as_expected_are_refused_in_at_most_1_percent_of_streams() -> None:
    random = np.random.default_rng(11)
    counts = np.cumsum(random.random((200, 5000)) < 0.1, axis=1)[:, 49::50]
    totals = np.arange(50, 5001, 50)
    p_values = np.array(
        [
            [
                ratio_p_value((total - hits, hits), (0.9, 0.1))
                for hits, total in zip(row, totals, strict=True)
            ]
            for row in counts
        ]
    )
    assert (p_values < 0.01).any(axis=1).mean() <= 0.01
    assert ratio_p_value((9000 - 300, 1300), (0.9, 0.1)) < 1e-6


def test_a_difference_is_found_about_as_soon_as_by_a_test_of_fixed_size() -> None:
    n = 4000
    random = np.random.default_rng(5)
    shape = (300, 3 * n)
    treated = random.random(shape) < 0.5
    effect = 2.8 * 2 / np.sqrt(n)  # what a test at n finds in 80 of 100 cases
    difference, valid, usual = looks(random.normal(size=shape) + effect * treated, treated)
    fixed = (np.abs(difference) > usual)[:, n - 1].mean()
    found = difference > valid
    assert fixed == pytest.approx(0.8, abs=0.06)
    assert found[:, :n].any(axis=1).mean() > 0.4
    assert found[:, : 2 * n].any(axis=1).mean() > fixed
    assert found.any(axis=1).mean() > 0.97
    assert np.median(np.where(found.any(axis=1), found.argmax(axis=1), 3 * n)) < 1.2 * n
    assert not (difference < -valid).any()
