"""Each distance against scipy's, on samples with ties, without overlap, and of unequal sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon
from searches import examples

from jupyter_mlinfra.monitoring.measures import distances

values = st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float)
samples = st.lists(values, min_size=1, max_size=400)
histograms = st.integers(2, 30).flatmap(
    lambda bins: st.tuples(
        *[st.lists(st.integers(0, 10_000), min_size=bins, max_size=bins).filter(any)] * 2
    )
)


@given(before=samples, after=samples)
@settings(max_examples=examples(200), deadline=None)
def test_distances_of_numbers_are_those_of_scipy(before: list[float], after: list[float]) -> None:
    ordered = np.sort(before), np.sort(after)
    statistic = stats.ks_2samp(before, after, method="asymp").statistic
    assert distances.kolmogorov_smirnov(*ordered) == pytest.approx(statistic, abs=1e-12)
    moved = stats.wasserstein_distance(before, after)
    assert distances.wasserstein(*ordered) == pytest.approx(moved, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.001, 0.1, 50.0])
@pytest.mark.parametrize("sizes", [(100_000, 100_000), (100_000, 70_001), (3, 100_000)])
@pytest.mark.parametrize("digits", [1, 12])
def test_distances_of_large_samples_are_those_of_scipy(
    shift: float, sizes: tuple[int, int], digits: int
) -> None:
    rng = np.random.default_rng(3)
    before, after = (
        np.sort(np.round(rng.normal(mean, size=size), digits))
        for mean, size in zip((0.0, shift), sizes, strict=True)
    )
    assert distances.kolmogorov_smirnov(before, after) == pytest.approx(
        stats.ks_2samp(before, after, method="asymp").statistic, abs=1e-12
    )
    assert distances.wasserstein(before, after) == pytest.approx(
        stats.wasserstein_distance(before, after), rel=1e-9, abs=1e-9
    )


@given(counts=histograms)
@settings(max_examples=examples(200), deadline=None)
def test_distances_of_histograms_are_those_of_scipy(counts: tuple[list[int], list[int]]) -> None:
    before, after = counts
    found, expected = distances.jensen_shannon(before, after), jensenshannon(before, after, base=2)
    # Near 0 the root of an error in the sixteenth place is one in the eighth, in scipy as here.
    assert found**2 == pytest.approx(expected**2, abs=1e-12)
    assert expected < 1e-3 or found == pytest.approx(expected, abs=1e-9)
    # By the other form of the definition, 1 - the Bhattacharyya coefficient.
    shared = np.sum(np.sqrt(np.divide(before, sum(before)) * np.divide(after, sum(after))))
    assert distances.hellinger(before, after) ** 2 == pytest.approx(1 - shared, abs=1e-9)
    filled = np.array(counts)[:, np.any(counts, axis=0)]
    expected = stats.chi2_contingency(filled, correction=False).statistic
    assert distances.chi_squared(before, after) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_equal_histograms_have_no_distance_and_disjoint_ones_the_largest() -> None:
    for distance in (distances.jensen_shannon, distances.hellinger):
        assert distance([10, 0, 30], [1, 0, 3]) == pytest.approx(0, abs=1e-12)
        assert distance([5, 0], [0, 7]) == pytest.approx(1)
