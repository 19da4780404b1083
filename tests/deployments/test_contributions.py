"""Contributions: those of the libraries, and Shapley values that a brute-force sum over all
coalitions agrees with.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.runtime import contributions, engine
from jupyter_mlinfra.deployments.runtime.contract import Batch
from jupyter_mlinfra.deployments.runtime.contributions import Contributions, exact, sampled
from jupyter_mlinfra.deployments.runtime.engine import Packaged
from jupyter_mlinfra.deployments.runtime.explaining import Explainer
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused


def brute_force(ask: Any, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Shapley's formula: a weighted sum over every coalition of the other inputs."""
    width = len(row)

    def value(coalition: frozenset[int]) -> np.ndarray:
        mixed = background.copy()
        mixed[:, list(coalition)] = row[list(coalition)]
        return np.asarray(ask(mixed)).reshape(len(mixed), -1).mean(axis=0)

    found = []
    for place in range(width):
        others = [other for other in range(width) if other != place]
        total = 0.0
        for size in range(width):
            weight = math.factorial(size) * math.factorial(width - size - 1) / math.factorial(width)
            for chosen in itertools.combinations(others, size):
                with_it = value(frozenset({*chosen, place}))
                total = total + weight * (with_it - value(frozenset(chosen)))
        found.append(total)
    return np.array(found).T


def of_numbers(ask: Any) -> Any:
    """A function of a matrix as an engine asks it."""
    return lambda batch: {"predict": np.asarray(ask(batch.matrix))}


def matrix(values: np.ndarray) -> Batch:
    return Batch(len(values), matrix=values)


def adds_up(found: Contributions) -> bool:
    """Whether base and contributions are the answer."""
    return np.allclose(found.values.sum(axis=2) + found.base, found.total, atol=1e-9)


def test_all_orders_of_few_inputs_are_the_brute_force_values() -> None:
    random = np.random.default_rng(1)
    background, rows = random.normal(size=(7, 4)), random.normal(size=(3, 4))

    def ask(inputs: np.ndarray) -> np.ndarray:
        first = inputs[:, 0] * inputs[:, 1] + np.sin(inputs[:, 2]) * (inputs[:, 3] > 0)
        return np.column_stack([first, np.maximum(inputs[:, 0], inputs[:, 3])])

    found = sampled(of_numbers(ask), matrix(rows), matrix(background), seconds=60)
    assert found.errors is None
    assert (found.orders, found.background) == (24, 7)
    assert found.outputs == ["predict.0", "predict.1"]
    for number, row in enumerate(rows):
        assert np.allclose(found.values[number], brute_force(ask, row, background), atol=1e-9)
    assert adds_up(found)


def test_sampled_orders_are_exact_without_interactions_and_near_with_them() -> None:
    random = np.random.default_rng(2)
    background, rows = random.normal(size=(5, 6)), random.normal(size=(2, 6))
    weights = np.arange(1.0, 7.0)
    linear = sampled(
        of_numbers(lambda inputs: inputs @ weights), matrix(rows), matrix(background), seconds=60
    )
    expected = (rows - background.mean(axis=0)) * weights
    assert np.allclose(linear.values[:, 0], expected, atol=1e-9)
    assert linear.outputs == [""]

    def ask(inputs: np.ndarray) -> np.ndarray:
        return inputs[:, 0] * inputs[:, 1] * inputs[:, 2] + inputs[:, 3] * inputs[:, 4]

    found = sampled(of_numbers(ask), matrix(rows), matrix(background), seconds=60)
    assert found.errors is not None
    assert adds_up(found)
    right = np.array([brute_force(ask, row, background) for row in rows])
    assert (np.abs(found.values - right) <= 5 * found.errors + 1e-9).all()


def test_rows_of_any_values_are_mixed_column_by_column() -> None:
    background = Batch(2, columns={"city": ["Rome", "Oslo"], "age": [30, None]})
    rows = Batch(1, columns={"city": ["Bonn"], "age": [50]})

    def ask(batch: Batch) -> Mapping[str, np.ndarray]:
        assert batch.columns is not None
        pairs = zip(batch.columns["city"], batch.columns["age"], strict=True)
        return {"y": np.array([10.0 * (city == "Bonn") + (age or 0) for city, age in pairs])}

    found = sampled(ask, rows, background, seconds=60)
    assert found.values[0].tolist() == [[10.0, 35.0]]
    assert (found.base[0, 0], found.total[0, 0]) == (15.0, 60.0)


@pytest.mark.parametrize(
    ("ask", "batch", "why"),
    [
        (lambda b: {"y": np.array(["a"] * b.size, object)}, matrix(np.ones((1, 2))), "text.*Log a"),
        (lambda b: {"y": np.ones(b.size)}, Batch(1, tensors={"x": np.ones((1, 2))}), "tensors"),
        (lambda b: {"y": np.ones(b.size)}, matrix(np.ones((1, 2001))), "2,001"),
        (lambda b: {"y": np.ones((b.size, 65))}, matrix(np.ones((1, 2))), "65"),
    ],
)
def test_what_has_no_contributions_is_refused_with_the_reason(
    ask: Any, batch: Batch, why: str
) -> None:
    with pytest.raises(RequestRefused, match=why):
        sampled(ask, batch, batch, seconds=60)


def test_a_slow_model_is_given_up_and_parts_that_do_not_add_up_are_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = matrix(np.ones((1, 9)))
    with pytest.raises(RequestRefused, match="took too long"):
        sampled(lambda batch: {"y": np.ones(batch.size)}, rows, rows, seconds=-1)
    parts = np.array([[[0.5, 0.25, 1.0]]])
    assert exact("trees", parts, np.array([[1.75]])).base.tolist() == [[1.0]]
    with pytest.raises(RuntimeError, match="from the margin"):
        exact("trees", parts, np.array([[1.76]]))
    assert contributions.TOLERANCE == 1e-5


def load(folder: Path, into: Path, **options: Any) -> tuple[Explainer, Any]:
    """The model as a serving process loads it."""
    packaged = Packaged.of(package(folder, into, **options).folder)
    loaded = engine.load(packaged)
    return Explainer(loaded, packaged), loaded


def test_xgboost_s_own_contributions_are_those_of_the_library(
    models: Mapping[int, Path], kit: ModuleType, tmp_path: Path
) -> None:
    import xgboost

    explainer, loaded = load(models[1], tmp_path / "bundles")
    frame = kit.make_frame(50, 5)
    rows = json.loads(frame.to_json(orient="values", double_precision=15))
    found = explainer.of(loaded.contract.from_rows(rows, kit.COLUMNS))
    booster = xgboost.Booster(model_file=models[1] / "model.ubj")
    parts = booster.predict(xgboost.DMatrix(frame), pred_contribs=True)
    assert np.allclose(found.values[:, 0], parts[:, :-1], atol=1e-6)
    assert np.allclose(found.base[:, 0], parts[:, -1], atol=1e-6)
    margin = booster.predict(xgboost.DMatrix(frame), output_margin=True)
    assert np.abs(found.values.sum(axis=2)[:, 0] + found.base[:, 0] - margin).max() < 1e-5
    assert (found.errors, found.scale) == (None, "raw margin")


def test_a_classifier_that_was_stopped_early_is_explained_with_the_trees_that_answer(
    kit: ModuleType, tmp_path: Path
) -> None:
    model, frame = kit.train_classifier(tmp_path / "model")
    explainer, loaded = load(tmp_path / "model", tmp_path / "bundles")
    rows = json.loads(frame.head(20).to_json(orient="values", double_precision=15))
    found = explainer.of(loaded.contract.from_rows(rows, kit.COLUMNS))
    margin = model.predict(frame.head(20), output_margin=True)
    assert np.abs(found.total[:, 0] - margin).max() < 1e-5


@pytest.mark.parametrize("classes", [2, 3])
def test_lightgbm_s_own_contributions_are_those_of_the_library(
    classes: int, kit: ModuleType, tmp_path: Path
) -> None:
    import lightgbm
    import mlflow
    from mlflow.models import infer_signature

    frame = kit.make_frame(500, 1)
    label = np.digitize(frame["x0"] + frame["x1"], [-0.5, 0.5]) % classes
    kind = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": 3}
    options = {**kind, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(frame, label), 10)
    signature = infer_signature(frame, booster.predict(frame))
    mlflow.lightgbm.save_model(
        booster,
        tmp_path / "model",
        signature=signature,
        pip_requirements=["lightgbm"],
    )
    explainer, loaded = load(tmp_path / "model", tmp_path / "bundles")
    rows = json.loads(frame.head(20).to_json(orient="values", double_precision=15))
    found = explainer.of(loaded.contract.from_rows(rows, kit.COLUMNS))
    parts = np.asarray(booster.predict(frame.head(20), pred_contrib=True))
    expected = parts.reshape(20, 1 if classes == 2 else 3, -1)
    assert np.allclose(found.values, expected[:, :, :-1], atol=1e-9)
    assert np.allclose(found.base, expected[:, :, -1], atol=1e-9)


def test_a_classifier_of_scikit_learn_is_explained_by_its_probabilities(tmp_path: Path) -> None:
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c"])
    label = np.where(frame["a"] + frame["b"] * frame["c"] > 0, "late", "on time")
    model = LogisticRegression().fit(frame, label)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(20),
        pip_requirements=["scikit-learn"],
        serialization_format="cloudpickle",
    )
    explainer, loaded = load(tmp_path / "model", tmp_path / "bundles")
    found = explainer.of(loaded.contract.from_rows(frame.tail(2).to_numpy().tolist()))
    assert found.outputs == loaded.classes == ["late", "on time"]
    background = frame.head(20).to_numpy()
    for number, row in enumerate(frame.tail(2).to_numpy()):
        expected = brute_force(
            lambda rows: model.predict_proba(pd.DataFrame(rows, columns=["a", "b", "c"])),
            row,
            background,
        )
        assert np.allclose(found.values[number], expected, atol=1e-9)
    assert adds_up(found)
