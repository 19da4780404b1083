"""What can be deployed is told from `MLmodel` alone, in the same words at registration and at
deploy, with a fix that fits the model.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments import logged
from jupyter_mlinfra.deployments.servable import engine_of, refusal, runs_code, unservable

PYFUNC = {"loader_module": "mlflow.xgboost"}
CLASSIFIER = {"data": "model.ubj", "model_class": "xgboost.sklearn.XGBClassifier"}
XGBOOST = {"xgboost": CLASSIFIER, "python_function": PYFUNC}
USE = "in a notebook or a job"


def document(flavors: Any, **inputs: str) -> dict[str, Any]:
    """An MLmodel. inputs: types by name."""
    found: dict[str, Any] = {} if flavors is None else {"flavors": flavors}
    if inputs:
        found["signature"] = {
            "inputs": json.dumps([{"name": name, "type": kind} for name, kind in inputs.items()])
        }
    return found


def tensors(*shapes: list[int], dtype: str = "float32", named: bool = False) -> dict[str, Any]:
    inputs: list[dict[str, Any]] = [
        {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}} for shape in shapes
    ]
    for number, item in enumerate(inputs if named else ()):
        item["name"] = f"t{number}"
    return {**document(XGBOOST), "signature": {"inputs": json.dumps(inputs)}}


def twice(item: dict[str, Any]) -> dict[str, Any]:
    """A pyfunc with two inputs of one name."""
    inputs = json.dumps([{"name": "x", **item}] * 2)
    return {"flavors": {"python_function": {}}, "signature": {"inputs": inputs}}


REFUSED = [
    (
        document({"sklearn_like": {}}),
        "It is of flavor sklearn_like, without a python_function",
        USE,
    ),
    (
        document(XGBOOST, x="double", when="datetime"),
        "Input when is of type datetime",
        "Turn it into a number",
    ),
    (tensors([-1, 3, 2]), "a tensor of shape [-1, 3, 2] and type float32", "named columns"),
    (tensors([-1, 3], dtype="object"), "of shape [-1, 3] and type object", "named columns"),
    (tensors([-1, 3], [-1, 3]), "2 inputs, of which some are tensors", "named columns"),
    (document(XGBOOST, **{"": "double"}), "Input 1 has no name", "Name the columns"),
    (twice({"type": "double"}), "2 inputs are called x", "a name of its own"),
    (
        twice({"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}),
        "2 inputs are called x",
        "a name of its own",
    ),
    (
        {**tensors([3, 4]), "flavors": {"python_function": {}}},
        "takes exactly 3 rows",
        "Use -1",
    ),
]

ENGINES = [
    (document(XGBOOST), "xgboost", False),
    (document({"xgboost": {"data": "model.pkl"}, "python_function": PYFUNC}), "pyfunc", True),
    (document({"xgboost": {**CLASSIFIER, "model_class": "my.Boosted"}}), "pyfunc", True),
    (
        document(
            {"xgboost": CLASSIFIER, "python_function": {"loader_module": "mlflow.pyfunc.model"}}
        ),
        "pyfunc",
        True,
    ),
    (document({"lightgbm": {"data": "model.lgb"}}, x="double"), "lightgbm", False),
    (document({"lightgbm": {"data": "model.pkl"}}, x="double"), "sklearn", True),
    (document({"sklearn": {"pickled_model": "model.skops"}}, x="datetime"), "sklearn", False),
    (
        document(
            {"sklearn": {"pickled_model": "model.skops", "skops_trusted_types": ["os.system"]}},
            x="double",
        ),
        "sklearn",
        True,
    ),
    (document({"sklearn": {"pickled_model": "model.pkl"}}, x="double"), "sklearn", True),
    (
        document(
            {
                "sklearn": {"pickled_model": "model.skops"},
                "python_function": {"loader_module": "mlflow.sklearn", "code": "code"},
            },
            x="double",
        ),
        "sklearn",
        True,
    ),
    (document({"onnx": {"data": "model.onnx"}}, x="double"), "onnx", False),
    (document({"pytorch": {}, "python_function": {}}, x="double"), "torch", True),
    (document({"pytorch": {}, "python_function": {}}, x="string"), "pyfunc", True),
    (
        document(
            {"pytorch": {}, "python_function": {"loader_module": "mlflow.pyfunc.model"}}, x="double"
        ),
        "pyfunc",
        True,
    ),
    # What MLflow writes of an exported program with two inputs.
    (
        {**tensors([-1, 3], [-1, -1], named=True), "flavors": {"pytorch": {"code": None}}},
        "torch",
        True,
    ),
    ({**tensors([-1, 3], dtype="str"), "flavors": {"pytorch": {}}}, "pyfunc", True),
]


@pytest.mark.parametrize(("model", "engine", "code"), ENGINES)
def test_each_model_has_its_engine_and_says_whether_it_runs_code(
    model: dict[str, Any], engine: str, code: bool
) -> None:
    assert unservable(model) == ""
    assert engine_of(model) == engine
    assert runs_code(model) is code


@pytest.mark.parametrize(
    "good",
    [
        document(XGBOOST),
        tensors([-1, 3]),
        document({"xgboost": {}}),
        document(XGBOOST, x="double", y="long"),
        {**document(XGBOOST), "signature": {"inputs": "[{"}},
    ],
)
def test_nothing_speaks_against_a_model_of_xgboost(good: dict[str, Any]) -> None:
    assert unservable(good) == ""


@pytest.mark.parametrize(
    ("bad", "why", "fix"),
    [
        *REFUSED,
        (document(None), "names no flavor", USE),
        (document("text"), "names no flavor", USE),
    ],
)
def test_why_a_model_cannot_be_deployed_and_what_to_do(
    bad: dict[str, Any], why: str, fix: str
) -> None:
    found = refusal(bad)
    assert found is not None
    assert why in found.why == unservable(bad)
    assert fix in found.fix


@pytest.mark.parametrize("bad", [case[0] for case in REFUSED])
def test_deploy_refuses_a_model_for_what_its_page_says(bad: dict[str, Any], tmp_path) -> None:
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(bad))
    for name in ("model.pkl", "model.ubj"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(Unprocessable) as caught:
        logged.read(tmp_path)
    assert caught.value.why == unservable(bad)
