"""PSI and KS against scipy, on bins that numpy counts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from jupyter_mlinfra.monitoring.drift import FLOOR, QUANTILES, compare, psi, reference


def oracle_psi(edges: list[float], before: np.ndarray, after: np.ndarray) -> float:
    """Jeffreys divergence by scipy over bins that numpy.digitize counts, each with a bin for missing values."""

    def fractions(values: np.ndarray) -> np.ndarray:
        finite = values[np.isfinite(values)]
        counts = np.bincount(np.digitize(finite, edges, right=True), minlength=len(edges) + 1)
        return np.maximum(np.append(counts, len(values) - len(finite)) / len(values), FLOOR)

    r, w = fractions(before), fractions(after)
    return float(special.rel_entr(r, w).sum() + special.rel_entr(w, r).sum())


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_psi_of_a_number_equals_the_divergence_that_scipy_reckons(shift: float, missing: float) -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=5_000), rng.normal(shift, size=3_000)
    after[rng.random(3_000) < missing] = np.nan
    kept = reference(pl.Series("x", before))
    found = compare(kept, pl.Series("x", after), threshold=0.2)
    assert found.psi.value == pytest.approx(oracle_psi(list(kept.edges), before, after), abs=1e-12)
    assert found.missing_window.value == pytest.approx(np.isnan(after).mean())
    assert found.drifted == (found.psi.value >= 0.2)


@given(
    before=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300),
    after=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300),
)
@settings(max_examples=150, deadline=None)
def test_ks_of_small_columns_is_exactly_that_of_scipy(before: list[float], after: list[float]) -> None:
    found = compare(reference(pl.Series("x", before)), pl.Series("x", after), threshold=0.2)
    assert found.ks is not None
    assert found.ks.basis == "exact"
    assert found.ks.value == pytest.approx(stats.ks_2samp(before, after).statistic, abs=1e-12)


def test_ks_of_a_large_reference_is_within_its_stated_error_and_says_approximate() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.gamma(2, size=200_000), rng.gamma(2.3, size=20_000)
    found = compare(reference(pl.Series("x", before)), pl.Series("x", after), threshold=0.2)
    assert found.ks is not None
    assert found.ks.basis == "approx"
    assert abs(found.ks.value - stats.ks_2samp(before, after).statistic) <= 1 / QUANTILES


def test_the_same_data_do_not_drift_and_a_constant_that_moves_does() -> None:
    values = pl.Series("x", [7] * 1000)
    assert compare(reference(values), values, threshold=0.2).psi.value == 0
    assert compare(reference(values), pl.Series("x", [8] * 1000), threshold=0.2).drifted


def test_a_new_category_and_a_vanished_one_are_drift() -> None:
    kept = reference(pl.Series("c", ["a"] * 50 + ["b"] * 50))
    found = compare(kept, pl.Series("c", ["a"] * 50 + ["z"] * 50), threshold=0.2)
    assert found.kind == "category"
    assert found.ks is None
    assert found.window == [0.5, 0.0, 0.5]
    assert found.drifted


def test_values_that_stop_coming_in_are_drift() -> None:
    kept = reference(pl.Series("x", np.arange(1000.0)))
    window = pl.Series("x", [*np.arange(500.0) * 2, *[None] * 500], dtype=pl.Float64)
    assert compare(kept, window, threshold=0.2).drifted


def test_an_empty_side_is_no_drift() -> None:
    assert psi([1, 2, 3], [0, 0, 0]) == 0.0
    assert compare(reference(pl.Series("x", [1.0, 2.0])), pl.Series("x", [], dtype=pl.Float64), threshold=0.2).ks is None
