"""Rows by the C function of XGBoost, beside what its own `inplace_predict` gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xgboost

from jupyter_mlinfra.deployments.runtime import xgboost_rows
from jupyter_mlinfra.deployments.runtime.xgboost_rows import rows_predictor

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(300, 4))
ROWS[::7, 1] = np.nan


def booster(objective: str, **more: Any) -> xgboost.Booster:
    labels = np.nan_to_num(ROWS[:, 0] + ROWS[:, 1] > 0).astype(float)
    if objective.startswith("multi"):
        labels = np.arange(300) % 3
    if more.get("multi_strategy"):
        labels = np.column_stack([labels, ROWS[:, 2]])
    settings = {"objective": objective, "max_depth": 3, "nthread": 1, **more}
    made = xgboost.train(settings, xgboost.DMatrix(ROWS, labels), 6)
    made.feature_names = made.feature_types = None
    return made


@pytest.mark.parametrize("margin", [False, True])
@pytest.mark.parametrize("rounds", [(0, 0), (0, 3)])
@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "reg:squarederror"},
        {"objective": "binary:logistic"},
        {"objective": "multi:softprob", "num_class": 3},
        {"objective": "multi:softmax", "num_class": 3},
        {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"},
        {"objective": "binary:logistic", "booster": "dart"},
    ],
    ids=lambda found: "-".join(map(str, found.values())),
)
def test_scores_are_those_of_xgboost_itself_bit_by_bit(
    settings: dict[str, Any], rounds: tuple[int, int], margin: bool
) -> None:
    made = booster(**settings)
    predict = rows_predictor(made, rounds=rounds, margin=margin)
    assert predict.__qualname__.startswith("_direct"), "it went the slow way"
    for rows in (ROWS, ROWS[:1], ROWS[::2], np.asfortranarray(ROWS)):
        expected = made.inplace_predict(
            rows,
            iteration_range=rounds,
            predict_type="margin" if margin else "value",
            validate_features=False,
        )
        found = predict(rows)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)


def test_threads_do_not_see_the_scores_of_each_other() -> None:
    made = booster("binary:logistic")
    predict, expected = rows_predictor(made), made.inplace_predict(ROWS, validate_features=False)
    with ThreadPoolExecutor(8) as pool:
        starts = [int(start) for start in RANDOM.integers(0, 290, 400)]
        found = list(pool.map(lambda start: predict(ROWS[start : start + 10]), starts))
    for start, scores in zip(starts, found, strict=True):
        assert np.array_equal(scores, expected[start : start + 10])


@pytest.mark.parametrize(
    ("seconds_a_row", "rows"), [(1e-6, 16), (4e-5, 7), (0.01, 0)], ids=["small", "middle", "large"]
)
def test_the_interpreter_is_held_by_calls_that_are_short_alone(
    monkeypatch: pytest.MonkeyPatch, seconds_a_row: float, rows: int
) -> None:
    clock, held = [0.0], list[int]()

    class Library:
        def __init__(self, name: str) -> None:
            self._call = library(name).XGBoosterPredictFromDense

        def XGBoosterPredictFromDense(self, *given: Any) -> int:
            held.append(1)
            return int(self._call(*given))

    def now() -> float:
        clock[0] += 16 * seconds_a_row  # what sixteen rows take lies between two looks
        return clock[0]

    library = xgboost_rows.ctypes.PyDLL
    monkeypatch.setattr(xgboost_rows, "time", SimpleNamespace(perf_counter=now))
    monkeypatch.setattr(xgboost_rows.ctypes, "PyDLL", Library)
    predict = rows_predictor(booster("binary:logistic"))
    for size in range(1, 20):
        held.clear()
        predict(ROWS[:size])
        assert bool(held) == (size <= rows), size


def test_a_release_without_that_function_is_asked_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    made = booster("binary:logistic")
    expected = made.inplace_predict(ROWS, validate_features=False)
    monkeypatch.setattr(xgboost.core, "_LIB", SimpleNamespace())
    predict = rows_predictor(made)
    monkeypatch.undo()
    assert not predict.__qualname__.startswith("_direct")
    assert np.array_equal(predict(ROWS), expected)


def test_rows_of_a_wrong_width_are_an_error_and_no_crash() -> None:
    with pytest.raises(RuntimeError):
        rows_predictor(booster("binary:logistic"))(ROWS[:, :2])
