"""Oracles: scikit-learn, scipy and brute force."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.experiments import evaluation

COSTS = {"cost_action": 30.0, "cost_late": 120.0}


def sample(
    rows: int = 400, seed: int = 0, *, digits: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    y = (source.random(rows) < 0.3).astype(float)
    p = np.clip(0.25 + 0.25 * y + 0.2 * source.standard_normal(rows), 0, 1)
    return y, p if digits is None else p.round(digits)


@pytest.mark.parametrize("digits", [None, 2, 1, 0])
def test_auc_and_average_precision_equal_scikit_learn_with_and_without_ties(digits):
    y, p = sample(digits=digits)
    assert evaluation.auc(y, p) == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)
    assert evaluation.average_precision(y, p) == pytest.approx(
        sk.average_precision_score(y, p), abs=1e-12
    )
    assert evaluation.brier(y, p) == pytest.approx(sk.brier_score_loss(y, p), abs=1e-12)


def test_auc_counts_pairs_and_half_of_the_ties():
    y, p = sample(60, digits=1)
    pairs = [(1.0 if a > b else 0.5 if a == b else 0.0) for a in p[y == 1] for b in p[y == 0]]
    assert evaluation.auc(y, p) == pytest.approx(sum(pairs) / len(pairs))
    assert evaluation.auc([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]) == 0.5


def test_polars_series_of_booleans_are_labels():
    y, p = sample()
    assert evaluation.auc(pl.Series(y == 1), pl.Series(p)) == evaluation.auc(y, p)


def test_calibration_has_the_wilson_interval_and_loses_no_row():
    y, p = sample(1000)
    table = evaluation.calibration(y, p, bins=10)
    assert table.height == 10
    assert table["rows"].sum() == 1000
    assert table["predicted"].is_sorted()
    first = table.row(0, named=True)
    lowest = np.argsort(p)[: first["rows"]]
    assert first["observed"] == pytest.approx(y[lowest].mean())
    assert first["predicted"] == pytest.approx(p[lowest].mean())
    exact = binomtest(int(y[lowest].sum()), first["rows"]).proportion_ci(method="wilson")
    assert (first["low"], first["high"]) == pytest.approx((exact.low, exact.high))


def test_calibration_of_one_score_is_one_bin():
    table = evaluation.calibration([0, 1, 0, 1], [0.2] * 4)
    assert table.height == 1
    assert evaluation.calibration_error([0, 1, 0, 1], [0.2] * 4) == pytest.approx(0.3)


def test_perfect_predictions_have_no_calibration_error():
    y, _ = sample()
    assert evaluation.calibration_error(y, y) == 0


def brute_force_saving(y, p, threshold):
    nothing = sum(COSTS["cost_late"] for label in y if label)
    acting = sum(
        COSTS["cost_action"] if score >= threshold else COSTS["cost_late"] * label
        for label, score in zip(y, p, strict=True)
    )
    return 1000 * (nothing - acting) / len(y)


@pytest.mark.parametrize("digits", [None, 1])
def test_the_best_threshold_saves_as_much_as_the_best_of_all_that_were_tried(digits):
    y, p = sample(300, digits=digits)
    threshold, saved = evaluation.best_threshold(y, p, **COSTS)
    assert saved == pytest.approx(
        max(brute_force_saving(y, p, candidate) for candidate in {*p, math.inf})
    )
    assert evaluation.business_kpi(y, p, threshold=threshold, **COSTS) == pytest.approx(saved)
    assert brute_force_saving(y, p, threshold) == pytest.approx(saved)


def test_where_acting_never_pays_nothing_is_done():
    assert evaluation.best_threshold([0, 0, 1], [0.9, 0.8, 0.1], cost_action=100, cost_late=50) == (
        math.inf,
        0.0,
    )


def test_the_interval_of_a_difference_is_that_of_resampled_rows():
    y, p = sample(200, seed=3)
    worse = np.clip(p + 0.3 * np.random.default_rng(9).standard_normal(200), 0, 1)
    found = evaluation.bootstrap_difference(y, p, worse, resamples=300, seed=5)
    rows = np.random.default_rng(5).integers(0, 200, size=(300, 200))
    naive = [
        sk.roc_auc_score(y[row], p[row]) - sk.roc_auc_score(y[row], worse[row]) for row in rows
    ]
    assert found.value == pytest.approx(sk.roc_auc_score(y, p) - sk.roc_auc_score(y, worse))
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(naive, [0.025, 0.975])), abs=1e-12
    )
    assert found == evaluation.bootstrap_difference(y, p, worse, resamples=300, seed=5)
    assert found != evaluation.bootstrap_difference(y, p, worse, resamples=300, seed=6)


def test_a_metric_given_as_function_gets_the_same_interval_as_the_built_in_one():
    y, p = sample(150)
    worse = p[::-1].copy()
    built_in = evaluation.bootstrap_difference(
        y, p, worse, metric="average_precision", resamples=120
    )
    function = evaluation.bootstrap_difference(
        y, p, worse, metric=sk.average_precision_score, resamples=120
    )
    assert (built_in.value, built_in.low, built_in.high) == pytest.approx(
        (function.value, function.low, function.high)
    )


def test_a_model_against_itself_differs_by_nothing():
    y, p = sample()
    found = evaluation.bootstrap_difference(y, p, p, resamples=100)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_interval_covers_the_true_value_about_as_often_as_it_says():
    true = 0.8413447460685429  # P(X > Y) for X ~ N(sqrt 2, 1), Y ~ N(0, 1)
    hits = 0
    for seed in range(100):
        source = np.random.default_rng(seed)
        y = np.repeat([0.0, 1.0], 150)
        found = evaluation.bootstrap_metric(
            y, source.standard_normal(300) + math.sqrt(2) * y, resamples=200, seed=seed
        )
        hits += found.low <= true <= found.high
    assert 88 <= hits <= 99  # binomial(100, 0.95) lies there with 99 %


def test_rows_of_a_group_are_drawn_together_or_the_interval_is_too_narrow():
    """Days differ: within one, the saving of all rows is shifted alike. The mean of 40 days is what
    is uncertain.
    """
    hits = {True: 0, False: 0}
    for seed in range(60):
        source = np.random.default_rng(seed)
        day = np.repeat(np.arange(40), 25)
        share = np.clip(source.normal(0.4, 0.2, 40), 0, 1)
        y = (source.random(1000) < share[day]).astype(float)
        true = 1000 * (
            120 * np.clip(np.random.default_rng(0).normal(0.4, 0.2, 1_000_000), 0, 1).mean() - 30
        )
        for grouped in hits:
            found = evaluation.bootstrap_saving(
                y,
                np.ones(1000),
                threshold=0.5,
                **COSTS,
                groups=day if grouped else None,
                resamples=200,
                seed=seed,
            )
            hits[grouped] += found.low <= true <= found.high
    assert hits[True] >= 52  # binomial(60, 0.95) lies there with 99 %
    assert hits[False] <= 45


def test_groups_of_one_row_are_rows():
    y, p = sample(150)
    assert evaluation.bootstrap_metric(
        y, p, groups=np.arange(150), resamples=100
    ) == evaluation.bootstrap_metric(y, p, resamples=100)
    with pytest.raises(BadRequest, match="9 groups give no interval"):
        evaluation.bootstrap_metric(y, p, groups=np.arange(150) % 9, resamples=100)
    with pytest.raises(BadRequest, match="150 rows and 149 groups"):
        evaluation.bootstrap_metric(y, p, groups=np.arange(149), resamples=100)


def test_the_interval_of_the_saving_is_that_of_a_mean():
    y, p = sample(2000)
    found = evaluation.bootstrap_saving(y, p, threshold=0.4, **COSTS, resamples=400, seed=1)
    rows = 1000 * evaluation.savings(y, p, threshold=0.4, **COSTS)
    error = rows.std() / math.sqrt(2000)
    assert found.value == pytest.approx(brute_force_saving(y, p, 0.4))
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.25 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.25 * error)


def test_a_report_has_a_row_for_each_score_column():
    y, p = sample()
    frame = pl.DataFrame({"late": y == 1, "model": p, "never": np.zeros(len(y))})
    found = evaluation.report(frame, label="late", threshold=0.4, **COSTS)
    assert found["model"].to_list() == ["model", "never"]
    assert found["auc"].to_list() == pytest.approx([sk.roc_auc_score(y, p), 0.5])
    assert found["saved_per_1000"].to_list() == pytest.approx([brute_force_saving(y, p, 0.4), 0])
    each = evaluation.report(frame, label="late", threshold={"model": 0.3, "never": 0.0}, **COSTS)
    assert each["saved_per_1000"].to_list() == pytest.approx(
        [brute_force_saving(y, p, 0.3), brute_force_saving(y, np.zeros(len(y)), 0.0)]
    )
    with pytest.raises(BadRequest, match="never has no threshold"):
        evaluation.report(frame, label="late", threshold={"model": 0.3}, **COSTS)


@pytest.mark.parametrize(
    ("y", "p", "word"),
    [
        ([], [], "fit together"),
        ([0, 1], [0.5], "fit together"),
        ([0, 1], [0.5, math.nan], "missing"),
        ([0, 2], [0.5, 0.1], "neither 0 nor 1"),
        ([None, 1.0], [0.5, 0.1], "neither 0 nor 1"),
        ([1, 1], [0.5, 0.1], "All labels are the same"),
        (["a", "b"], [0.5, 0.1], "must be numbers"),
    ],
)
def test_what_cannot_be_judged_is_refused(y, p, word):
    with pytest.raises(BadRequest, match=word):
        evaluation.auc(y, p)


def test_an_unknown_metric_or_too_few_resamples_are_refused():
    y, p = sample(20)
    with pytest.raises(BadRequest, match="no metric 'f1'"):
        evaluation.bootstrap_difference(y, p, p, metric="f1")
    with pytest.raises(BadRequest, match="resamples=10"):
        evaluation.bootstrap_metric(y, p, resamples=10)
