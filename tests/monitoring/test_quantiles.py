"""Summaries of numbers: their error is never above the bound that they state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jupyter_mlinfra.monitoring.measures import quantiles
from jupyter_mlinfra.monitoring.measures.quantiles import Quantiles


def worst_rank(summary: Quantiles, values: np.ndarray) -> int:
    """By how much the rank of any number is off."""
    points = np.concatenate([values, np.nextafter(values, -np.inf), summary.values])
    true = np.searchsorted(np.sort(values), points, side="right")
    ends = np.concatenate([[0], np.cumsum(summary.weights)])
    told = ends[np.searchsorted(summary.values, points, side="right")]
    return int(np.abs(true - told).max())


@given(
    parts=st.lists(
        st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=200),
        min_size=1,
        max_size=8,
    ),
    points=st.integers(2, 40),
)
def test_no_rank_is_off_by_more_than_the_stated_error(
    parts: list[list[float]], points: int
) -> None:
    summaries = [quantiles.of_sorted(np.sort(np.asarray(part)), points) for part in parts]
    together = quantiles.shortened(quantiles.merged(summaries), points)
    values = np.concatenate([np.asarray(part) for part in parts])
    assert together.rows == len(values)
    assert len(together.values) <= points
    assert worst_rank(together, values) <= together.error


def test_the_error_of_merged_hours_stays_that_of_one_hour() -> None:
    random = np.random.default_rng(1)
    days = [np.sort(random.lognormal(0, 2, 10_000)) for _ in range(48)]
    summary = quantiles.merged([quantiles.of_sorted(day, 512) for day in days])
    assert summary.relative_error <= 1 / 1000
    assert worst_rank(summary, np.concatenate(days)) <= summary.error
    short = quantiles.shortened(summary, 512)
    assert short.relative_error <= 2 / 1000


def test_few_distinct_values_are_kept_exactly() -> None:
    values = np.sort(np.random.default_rng(1).integers(0, 50, 100_000).astype(float))
    summary = quantiles.of_sorted(values, 64)
    assert (summary.error, summary.at(0.5)) == (0, float(values[50_000]))


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_distances_of_summaries_are_those_of_scipy_within_the_bound(shift: float) -> None:
    random = np.random.default_rng(2)
    one, other = random.normal(0, 1, 30_000), random.normal(shift, 1.1, 20_000)
    exact = [quantiles.of_sorted(np.sort(side), 10**6) for side in (one, other)]
    short = [quantiles.of_sorted(np.sort(side), 512) for side in (one, other)]
    ks, moved = stats.ks_2samp(one, other).statistic, stats.wasserstein_distance(one, other)
    assert quantiles.kolmogorov_smirnov(*exact) == pytest.approx(ks, abs=1e-12)
    assert quantiles.wasserstein(*exact) == pytest.approx(moved, rel=1e-9)
    bound = sum(side.relative_error for side in short)
    assert 0 < bound < 0.003
    assert abs(quantiles.kolmogorov_smirnov(*short) - ks) <= bound
    spread = max(one.max(), other.max()) - min(one.min(), other.min())
    assert abs(quantiles.wasserstein(*short) - moved) <= bound * spread
