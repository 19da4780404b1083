"""Performance with and without labels, against scikit-learn and what is true by construction."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
import xgboost
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.monitoring.measures import (
    error_models,
    estimating,
    importance,
    kpi,
    performance,
    shifting,
)
from jupyter_mlinfra.monitoring.measures.adwin import changes

RANDOM = np.random.default_rng(3)
SCORES = RANDOM.beta(2, 3, 20_000).round(3)
LABELS = (RANDOM.random(20_000) < SCORES).astype(float)


def both(scores: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - scores, scores])


def test_real_metrics_are_those_of_scikit_learn() -> None:
    found = performance.metrics(SCORES[:, None], LABELS, "probabilities")
    chosen = SCORES >= 0.5
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(LABELS, chosen),
            "f1": metrics.f1_score(LABELS, chosen),
            "roc_auc": metrics.roc_auc_score(LABELS, SCORES),
            "log_loss": metrics.log_loss(LABELS, SCORES),
        },
        abs=1e-12,
    )
    assert performance.metrics(both(SCORES), LABELS, "probabilities") == pytest.approx(found)
    three = RANDOM.dirichlet([1, 1, 1], 3000)
    classes = RANDOM.integers(0, 3, 3000).astype(float)
    found = performance.metrics(three, classes, "probabilities")
    chosen = three.argmax(axis=1)
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(classes, chosen),
            "f1": metrics.f1_score(classes, chosen, average="macro"),
            "log_loss": metrics.log_loss(classes, three),
        }
    )
    values, truth = RANDOM.normal(size=500), RANDOM.normal(size=500)
    assert performance.metrics(values[:, None], truth, "values") == pytest.approx(
        {
            "mae": metrics.mean_absolute_error(truth, values),
            "rmse": metrics.root_mean_squared_error(truth, values),
        }
    )


def test_labels_of_one_class_have_no_roc_auc() -> None:
    found = performance.metrics(SCORES[:50, None], np.ones(50), "probabilities")
    assert found["roc_auc"] is None


@pytest.mark.parametrize("weighted", [False, True])
def test_the_calibration_is_the_isotonic_regression_of_scikit_learn(weighted: bool) -> None:
    weights = RANDOM.random(len(SCORES)) if weighted else None
    oracle = IsotonicRegression(out_of_bounds="clip").fit(SCORES, LABELS, weights)
    found = estimating.calibrate(SCORES, LABELS, weights)
    at = np.linspace(0, 1, 501)
    assert found(at) == pytest.approx(oracle.predict(at), abs=1e-9)


def test_the_estimate_of_calibrated_scores_is_what_labels_show() -> None:
    """The labels are drawn from the scores, so each metric is known up to chance."""
    found = estimating.estimate(both(SCORES), [estimating.calibrate(SCORES, LABELS)])
    real = performance.metrics(SCORES[:, None], LABELS, "probabilities")
    assert found == pytest.approx(real, abs=0.004)


def test_the_estimate_is_that_of_nannyml() -> None:
    """NannyML 0.13.1, CBPE with one chunk, on the same rows; `make oracles` compares more."""
    random = np.random.default_rng(20)
    known = random.beta(2, 3, 20_000).round(3)
    labels = (random.random(20_000) < known**2).astype(float)
    later = random.beta(3, 2, 10_000).round(3)
    found = estimating.estimate(both(later), [estimating.calibrate(known, labels)])
    assert {name: found[name] for name in ("accuracy", "f1", "roc_auc")} == pytest.approx(
        {
            "accuracy": 0.6351005012328944,
            "f1": 0.6686339289952931,
            "roc_auc": 0.7873117734918365,
        },
        abs=1e-8,
    )


def test_the_estimate_of_three_classes_is_what_labels_show() -> None:
    scores = RANDOM.dirichlet([1, 1, 1], 20_000)
    labels = (RANDOM.random((20_000, 1)) > scores.cumsum(axis=1)).sum(axis=1).astype(float)
    found = estimating.estimate(scores, shifting.calibrations_of(scores, labels))
    real = performance.metrics(scores, labels, "probabilities")
    assert found["accuracy"] == pytest.approx(real["accuracy"], abs=0.01)
    assert found["log_loss"] == pytest.approx(real["log_loss"], abs=0.02)


def test_the_estimate_does_not_see_concept_drift_but_real_metrics_do() -> None:
    known = [estimating.calibrate(SCORES, LABELS)]
    turned = (RANDOM.random(20_000) < 1 - SCORES).astype(float)
    assert estimating.estimate(both(SCORES), known)["accuracy"] == pytest.approx(0.68, abs=0.02)
    real = performance.metrics(SCORES[:, None], turned, "probabilities")
    assert real["accuracy"] == pytest.approx(0.32, abs=0.02)
    assert "blind to concept drift" in estimating.BLIND


def test_under_covariate_shift_pape_is_closer_than_cbpe() -> None:
    """Where x is high the labels are chance, whatever the score. In the reference that is rare, and
    hardly shows in the calibration; in the window it is common.
    """
    random = np.random.default_rng(1)

    def rows(high: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = (random.random(count) < high).astype(float)
        scores = np.where(random.random(count) < 0.5, 0.2, 0.8)
        chance = np.where(x == 1, 0.5, scores)
        return x[:, None], both(scores), (random.random(count) < chance).astype(float)

    inputs, scores, labels = rows(0.1, 20_000)
    window, window_scores, truth = rows(0.9, 20_000)
    real = (truth == (window_scores[:, 1] >= 0.5)).mean()
    cbpe = estimating.estimate(window_scores, shifting.calibrations_of(scores, labels))
    pape = shifting.pape(inputs, scores, labels, window, window_scores)
    assert abs(float(pape["accuracy"] or 0) - real) < 0.02
    assert abs(float(cbpe["accuracy"] or 0) - real) > 0.15


def test_the_expected_errors_of_a_regression_follow_its_noise(tmp_path: Path) -> None:
    random = np.random.default_rng(1)

    def rows(low: float, high: float, count: int) -> tuple[pl.DataFrame, np.ndarray]:
        noise = random.uniform(low, high, count)
        kind = random.choice(["a", "b"], count)
        frame = pl.DataFrame({"noise": noise, "kind": kind, "prediction": np.zeros(count)})
        return frame, random.normal(0, noise * np.where(kind == "a", 1, 2))

    known, labels = rows(0, 4, 20_000)
    path = tmp_path / "3.json"
    assert error_models.of(path) is None
    error_models.fit(path, known, ["noise", "kind"], labels)
    models = error_models.of(path)
    assert models
    for span in ((0, 1), (3, 4)):
        window, truth = rows(*span, 20_000)
        absolute, squared = models.predicted(window)
        assert absolute.mean() == pytest.approx(abs(truth).mean(), rel=0.06)
        assert squared.mean() ** 0.5 == pytest.approx((truth**2).mean() ** 0.5, rel=0.06)


def test_the_kpi_and_its_interval_are_those_of_the_normal_approximation() -> None:
    costs = kpi.check_costs({"tp": 20, "fp": -10, "fn": -75})
    chosen = (SCORES >= 0.5).astype(float)
    found = kpi.kpi(SCORES[:, None], LABELS, "probabilities", costs)
    assert not isinstance(found, str)
    worth = np.select(
        [(chosen == 1) & (LABELS == 1), (chosen == 1) & (LABELS == 0), LABELS == 1],
        [20.0, -10.0, -75.0],
        0.0,
    )
    assert found.value == pytest.approx(worth.mean())
    half = 1.96 * worth.std() / len(worth) ** 0.5
    assert (found.low, found.high) == pytest.approx(
        (worth.mean() - half, worth.mean() + half), abs=0.05
    )
    assert kpi.kpi(SCORES[:0, None], LABELS[:0], "probabilities", costs) == (
        "No row of the window has a label."
    )
    for wrong in ({"miss": 1}, {"cat:dog": -5, "fn": -75}, {"fn": -75, "threshold": 1.5}):
        with pytest.raises(BadRequest):
            kpi.check_costs(wrong)


def test_the_kpi_of_several_classes_is_by_the_true_and_the_answered_one() -> None:
    random = np.random.default_rng(1)
    outputs, labels = random.dirichlet([1, 1, 1], 2000), random.integers(0, 3, 2000).astype(float)
    costs = kpi.check_costs({"dog:cat": -5, "cat:cat": 2})
    names = ["bird", "cat", "dog"]
    found = kpi.kpi(outputs, labels, "probabilities", costs, names=names)
    assert not isinstance(found, str)
    answered = outputs.argmax(axis=1)
    confused = int(((labels == 2) & (answered == 1)).sum())
    right = int(((labels == 1) & (answered == 1)).sum())
    assert found.value == pytest.approx((2 * right - 5 * confused) / 2000)
    assert (found.outcomes["dog:cat"], found.rows) == (confused, 2000)
    assert found.low < found.value < found.high
    other = kpi.kpi(outputs, labels, "probabilities", {"ant:bee": 1.0}, names=names)
    assert other == "No two of the classes bird, cat, dog are ant:bee: see --value."
    two = kpi.kpi(outputs, labels, "probabilities", kpi.check_costs({"fn": -75}), names=names)
    assert two == "The model has more than two classes: --value TRUE:ANSWERED=AMOUNT"


@pytest.mark.parametrize("costs", [{"no:yes": -5.0}, {"fn": -75.0}])
def test_a_reference_of_fewer_classes_than_the_model_has_gives_no_kpi_but_the_reason(
    costs: dict[str, float],
) -> None:
    outputs, labels = np.eye(3), np.asarray([0.0, 1.0, 0.0])
    found = kpi.kpi(outputs, labels, "probabilities", costs, names=["no", "yes"])
    assert found == (
        "The reference has 2 classes, the model 3: make it from labels of all that the model has,"
        " and of no other."
    )
    assert performance.confusion(outputs, labels, "probabilities", ["no", "yes"]) is None


def test_a_mistyped_pair_of_classes_is_named_instead_of_being_worth_nothing() -> None:
    costs = {"cat:dog": -5.0, "dgo:cat": -9.0}
    found = kpi.kpi(np.eye(2), np.asarray([1.0, 0.0]), "probabilities", costs, names=["cat", "dog"])
    assert found == "No two of the classes cat, dog are dgo:cat: see --value."
    # Of classes that are numbers only those of the rows are known: 7 may come.
    answers, costs = np.asarray([[1.0], [0.0]]), {"1:0": -5.0, "7:1": -9.0}
    some = kpi.kpi(answers, np.asarray([1.0, 1.0]), "classes", costs)
    assert not isinstance(some, str)
    assert some.value == -2.5


def test_the_interval_of_a_kpi_of_fifty_classes_is_drawn_from_its_few_amounts() -> None:
    random, names = np.random.default_rng(3), [f"c{place}" for place in range(50)]
    outputs = np.eye(50)[random.integers(0, 50, 5000)]
    labels = random.integers(0, 50, 5000).astype(float)
    costs = {f"c{place}:c{place}": 40.0 for place in range(50)}
    tracemalloc.start()
    found = kpi.kpi(outputs, labels, "probabilities", costs, names=names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not isinstance(found, str)
    worth = 40.0 * (outputs.argmax(axis=1) == labels)
    half = 1.96 * worth.std() / len(worth) ** 0.5
    assert found.value == pytest.approx(worth.mean())
    assert (found.low, found.high) == pytest.approx(
        (worth.mean() - half, worth.mean() + half), abs=0.02
    )
    assert peak < 5_000_000  # a draw of each pair of classes takes 80 MB


def test_what_a_unit_too_high_or_too_low_is_worth_makes_the_kpi_of_values() -> None:
    costs = kpi.check_costs({"over": -2, "under": -5})
    outputs, labels = np.asarray([[3.0, 9.0], [1.0, 9.0], [4.0, 9.0]]), np.asarray([1.0, 2.5, 4.0])
    found = kpi.kpi(outputs, labels, "values", costs)
    assert not isinstance(found, str)
    assert (found.total, found.rows) == (-2 * 2 - 5 * 1.5, 3)
    assert found.outcomes == {"over": 1, "under": 1, "exact": 1}
    one_side = kpi.kpi(outputs, labels, "values", kpi.check_costs({"under": -5}))
    assert not isinstance(one_side, str)
    assert one_side.total == -7.5
    classes = kpi.kpi(outputs[:, :1], labels, "classes", costs)
    assert (
        classes == "The deployment answers classes, which are not too high or too low: see --value."
    )
    assert "--value over" in str(kpi.kpi(outputs, labels, "values", {"fn": -75.0}))
    assert kpi.kpi(outputs[:0], labels[:0], "values", costs) == kpi.NO_LABEL
    for wrong in (
        {"over": -1, "fn": -75},
        {"reward": 1, "under": -1},
        {"over": 1, "threshold": 0.3},
    ):
        with pytest.raises(BadRequest, match="is no outcome beside"):
            kpi.check_costs(wrong)


@pytest.mark.parametrize("tail", [0.5, 1.5])
def test_the_interval_of_many_amounts_is_that_of_drawing_rows_again(tail: float) -> None:
    """Lognormal distances: with the wide tail few rows make up most of the sum."""
    random = np.random.default_rng(8)
    distances = random.lognormal(0, tail, 3000)
    found = kpi.kpi(distances[:, None], np.zeros(3000), "values", {"over": -3.0, "under": 0.0})
    assert not isinstance(found, str)
    worth = -3.0 * distances
    again = np.asarray([worth[random.integers(0, 3000, 3000)].mean() for _ in range(4000)])
    low, high = np.quantile(again, [0.025, 0.975])
    # The ends of a bootstrap of 4,000 draws are off by 3 % of its width, in one of 20 seeds.
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03 * (high - low))
    assert found.value == pytest.approx(worth.mean())


def test_a_decision_is_made_at_the_threshold_that_the_values_name() -> None:
    costs = kpi.check_costs({"fn": -75, "fp": -10, "threshold": 0.2})
    found = kpi.kpi(SCORES[:, None], LABELS, "probabilities", costs)
    assert not isinstance(found, str)
    missed = int(((SCORES < 0.2) & (LABELS == 1)).sum())
    alarms = int(((SCORES >= 0.2) & (LABELS == 0)).sum())
    assert found.total == pytest.approx(-75 * missed - 10 * alarms)
    assert found.outcomes["fn"] == missed


def test_adwin_over_200_seeds_gives_few_false_alarms_and_a_short_delay() -> None:
    """An error rate of 10 % that becomes 20 %. river 0.26.1 on the same 200 sequences: no false
    alarm, and each first alarm at the same value (`make oracles`).
    """
    false_alarms, delays = 0, list[int]()
    for seed in range(200):
        random = np.random.default_rng(seed)
        wrong = np.concatenate([random.random(2000) < 0.1, random.random(1500) < 0.2])
        found = [item.position for item in changes(wrong.astype(float).tolist())]
        false_alarms += any(position <= 2000 for position in found)
        delays += [position - 2000 for position in found if position > 2000][:1]
    assert false_alarms <= 4
    assert len(delays) >= 198
    assert np.median(delays) <= 400


def test_adwin_says_what_the_errors_were_before_and_after() -> None:
    (found,) = changes([0.0] * 1000 + [1.0] * 200)
    assert 1000 < found.position <= 1064
    assert (found.before, found.after) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.2))


@pytest.mark.parametrize("ending", ["ubj", "json"])
def test_importance_is_the_gain_that_xgboost_reports(tmp_path: Path, ending: str) -> None:
    inputs = RANDOM.normal(size=(2000, 3))
    labels = (inputs[:, 0] + 0.3 * inputs[:, 2] > 0).astype(float)
    matrix = xgboost.DMatrix(inputs, label=labels, feature_names=["temp", "unused", "wind"])
    booster = xgboost.train(
        {"max_depth": 3, "nthread": 1, "objective": "binary:logistic"}, matrix, 10
    )
    booster.save_model(tmp_path / f"model.{ending}")
    gains = booster.get_score(importance_type="total_gain")
    total = sum(gains.values())
    found = importance.of_model(tmp_path)
    assert found == pytest.approx(
        {name: gains.get(name, 0) / total for name in matrix.feature_names}, rel=1e-5
    )


def test_importance_is_the_gain_that_lightgbm_reports(tmp_path: Path) -> None:
    inputs = RANDOM.normal(size=(2000, 3))
    labels = (inputs[:, 0] + 0.3 * inputs[:, 2] > 0).astype(float)
    names = ["temp", "unused", "wind speed"]
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 4, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(inputs, labels, feature_name=names),
        10,
    )
    booster.save_model(tmp_path / "model.lgb")
    gains = booster.feature_importance("gain")
    found = importance.of_model(tmp_path)
    assert found is not None
    assert list(found) == booster.feature_name()
    assert list(found.values()) == pytest.approx(list(gains / gains.sum()), rel=1e-5)


def test_a_model_file_that_cannot_be_read_has_no_importance(tmp_path: Path) -> None:
    assert importance.of_model(tmp_path) is None
    for content in (b"", b"{", b"[$d#L\xff\xff", b"\x80\x04pickle", b"{" * 5000):
        (tmp_path / "model.ubj").write_bytes(content)
        assert importance.of_model(tmp_path) is None
    (tmp_path / "model.ubj").unlink()
    for text in ("", "feature_names=a\nsplit_feature=0 7\nsplit_gain=1 1", "\x80\x04pickle"):
        (tmp_path / "model.lgb").write_text(text)
        assert importance.of_model(tmp_path) is None
