"""PSI and KS against scipy, on bins that numpy counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from searches import examples

from jupyter_mlinfra.monitoring.measures.drift import (
    FLOOR,
    QUANTILES,
    ColumnReference,
    compare,
    psi,
    reference,
)


def oracle_psi(edges: list[float], before: np.ndarray, after: np.ndarray) -> float:
    """Jeffreys divergence by scipy over bins that numpy.digitize counts, each with a bin for
    missing values.
    """

    def fractions(values: np.ndarray) -> np.ndarray:
        finite = values[np.isfinite(values)]
        counts = np.bincount(np.digitize(finite, edges, right=True), minlength=len(edges) + 1)
        return np.maximum(np.append(counts, len(values) - len(finite)) / len(values), FLOOR)

    r, w = fractions(before), fractions(after)
    return float(special.rel_entr(r, w).sum() + special.rel_entr(w, r).sum())


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_psi_of_a_number_equals_the_divergence_that_scipy_reckons(
    shift: float, missing: float
) -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=5_000), rng.normal(shift, size=3_000)
    after[rng.random(3_000) < missing] = np.nan
    baseline = reference(pl.Series("x", before))
    found = compare(baseline, pl.Series("x", after), threshold=0.2)
    assert found.psi.value == pytest.approx(
        oracle_psi(list(baseline.edges), before, after), abs=1e-12
    )
    assert found.missing_window.value == pytest.approx(np.isnan(after).mean())
    assert found.drifted == (found.psi.value >= 0.2)


@given(
    before=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300),
    after=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300),
)
@settings(max_examples=examples(50), deadline=None)
def test_ks_of_small_columns_is_exactly_that_of_scipy(
    before: list[float], after: list[float]
) -> None:
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
    baseline = reference(pl.Series("c", ["a"] * 50 + ["b"] * 50))
    found = compare(baseline, pl.Series("c", ["a"] * 50 + ["z"] * 50), threshold=0.2)
    assert found.kind == "category"
    assert found.ks is None
    assert found.window == [0.5, 0.0, 0.5]
    assert found.drifted


def test_values_that_stop_coming_in_are_drift() -> None:
    baseline = reference(pl.Series("x", np.arange(1000.0)))
    window = pl.Series("x", [*np.arange(500.0) * 2, *[None] * 500], dtype=pl.Float64)
    assert compare(baseline, window, threshold=0.2).drifted


def brute_force(before: list[float], after: list[float]) -> float:
    """PSI over bins by the words of the documentation, one row at a time: frequent values alone,
    the rest in equal shares of the bins left.
    """
    times = Counter(before)
    alone = sorted(value for value in times if times[value] > len(before) / 10)
    rest = sorted(value for value in before if value not in alone)
    bins = 10 - len(alone)
    while bins > 1 and alone and len(rest) / bins < len(before) / 100:
        bins -= 1
    ends = {
        rest[index - 1]
        for index in range(1, len(rest))
        if any(index <= share * len(rest) / bins < index + 1 for share in range(1, bins))
    }
    ends |= {max(value for value in before if value < one) for one in alone if one > min(before)}

    def place_of(value: float) -> tuple[int, int]:
        return sum(end < value for end in ends), sum(one < value for one in alone)

    histograms = [Counter(map(place_of, values)) for values in (before, after)]
    places = set().union(*histograms)
    r, w = (
        [max(histogram[index] / histogram.total(), FLOOR) for index in sorted(places)]
        for histogram in histograms
    )
    return float(special.rel_entr(r, w).sum() + special.rel_entr(w, r).sum())


@pytest.mark.parametrize("zeros", [0.0, 0.12, 0.5, 0.95, 0.985, 0.999])
@pytest.mark.parametrize("sign", [1, -1, 0])
def test_psi_of_a_column_with_a_frequent_value_equals_that_of_a_brute_force(
    zeros: float, sign: int
) -> None:
    rng = np.random.default_rng(4)

    def rain(rows: int, scale: float) -> np.ndarray:
        fallen = rng.gamma(2, scale, rows) * (sign or rng.choice([-1, 1], rows))
        return np.where(np.arange(rows) < zeros * rows, 0.0, fallen)

    before = rain(4_000, 1)
    baseline = reference(pl.Series("rain", before))
    assert baseline.kind == ("discrete" if zeros == 0.999 else "number")
    if baseline.kind == "number":
        for after in (before, rain(1_500, 1), rain(1_500, 10), np.zeros(300)):
            found = compare(baseline, pl.Series("rain", after), threshold=0.2)
            # a bin that is empty on both sides weighs nothing, so places that no row has need not
            # be counted
            assert found.psi.value == pytest.approx(
                brute_force(before.tolist(), after.tolist()), abs=1e-9
            )
        assert sum(baseline.counts) == baseline.rows


def test_several_frequent_values_have_bins_of_their_own_and_the_rest_is_binned_between_them() -> (
    None
):
    rng = np.random.default_rng(5)
    before = np.concatenate([np.zeros(400), np.full(200, 5.0), rng.uniform(-1, 9, 400)])
    baseline = reference(pl.Series("x", before))
    for after in (before, np.concatenate([before, np.full(300, 5.0)]), rng.uniform(-1, 9, 700)):
        found = compare(baseline, pl.Series("x", after), threshold=0.2)
        assert found.psi.value == pytest.approx(
            brute_force(before.tolist(), after.tolist()), abs=1e-9
        )


def test_rain_that_falls_ten_times_as_hard_is_drift_though_most_hours_are_dry() -> None:
    rain = np.concatenate([np.zeros(9_500), np.random.default_rng(6).uniform(1, 9, 500)])
    baseline = reference(pl.Series("rain", rain))
    assert compare(baseline, pl.Series("rain", rain * 10), threshold=0.2).drifted
    assert compare(baseline, pl.Series("rain", rain), threshold=0.2).psi.value == 0
    chance = [
        compare(
            baseline,
            pl.Series("rain", np.random.default_rng(seed).choice(rain, 200)),
            threshold=0.2,
        ).psi.value
        for seed in range(50)
    ]
    assert max(chance) < 0.2  # the fewest rows that are judged do not drift by chance


def test_a_reference_that_was_written_with_plain_deciles_is_still_read() -> None:
    before = {
        "name": "rain",
        "kind": "number",
        "edges": [0.0],
        "counts": [950, 50],
        "missing": 0,
        "rows": 1000,
        "quantiles": [0.0] * 950 + [1.0] * 50,
    }
    found = compare(
        ColumnReference(**before), pl.Series("rain", [0.0] * 95 + [1.0] * 5), threshold=0.2
    )
    assert (found.psi.value, found.edges, found.window) == (0.0, [0.0], [0.95, 0.05])


@pytest.mark.parametrize(
    "choices",
    [[0.1, 0.2, 0.3, 0.7], np.random.default_rng(8).random(40).tolist()],
    ids=["discrete", "number"],
)
def test_float32_inputs_do_not_drift_when_requests_write_them_as_decimals(
    choices: list[float],
) -> None:
    values = pl.Series("x", np.random.default_rng(7).choice(np.round(choices, 4), 2_000))
    baseline = reference(values.cast(pl.Float32))
    found = compare(baseline, values, threshold=0.2)
    assert found.psi.value == 0
    assert found.ks is not None
    assert found.ks.value == 0
    assert compare(baseline, values + 0.001, threshold=0.2).psi.value > (
        5 if baseline.kind == "discrete" else 0
    )
    assert compare(baseline, pl.Series("x", [1e300] * 100), threshold=0.2).drifted  # beyond float32


def test_an_empty_side_is_no_drift() -> None:
    assert psi([1, 2, 3], [0, 0, 0]) == 0.0
    assert (
        compare(
            reference(pl.Series("x", [1.0, 2.0])),
            pl.Series("x", [], dtype=pl.Float64),
            threshold=0.2,
        ).ks
        is None
    )
