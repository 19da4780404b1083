"""What can be served so far, judged by a model's `MLmodel` alone: before it is registered, on its
page, and again when it is deployed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MODEL_FILES = (".ubj", ".json")
"""Formats that hold no code; others could run code when they are loaded."""
TYPES = ("double", "float", "integer", "long", "boolean", "string")
"""Types of an MLflow signature that an XGBoost model can be called with."""
BOOSTER = "xgboost.core.Booster"
CLASSIFIERS = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRFClassifier")
_OTHER_CLASSES = (
    BOOSTER,
    "xgboost.sklearn.XGBRegressor",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRanker",
)
_CANNOT_BE_SERVED = "The model cannot be served."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model is not served, and what to do: how to log it, or how else to use it."""

    what: str
    why: str
    fix: str


def unservable(document: Mapping[str, Any]) -> str:
    """Why a model cannot be deployed; empty if nothing here prevents it."""
    problem = refusal(document)
    return problem.why if problem is not None else ""


def refusal(document: Mapping[str, Any]) -> Refusal | None:
    """What prevents serving a model; a list of a server's versions may know only its flavors."""
    use = "It can be used in a notebook or a job: ml.model(…).load()."
    flavors = document.get("flavors")
    if not isinstance(flavors, Mapping):
        return Refusal(_CANNOT_BE_SERVED, "Its MLmodel names no flavor.", use)
    xgboost = flavors.get("xgboost")
    if not isinstance(xgboost, Mapping):
        names = (
            ", ".join(sorted(str(name) for name in flavors if name != "python_function"))
            or "python_function"
        )
        return Refusal(
            _CANNOT_BE_SERVED,
            f"It is of flavor {names}; so far only XGBoost models can be deployed.",
            use,
        )
    data = str(xgboost.get("data") or "")
    if data and PurePosixPath(data).suffix not in MODEL_FILES:
        why = (
            f"Its file {data[:80]} is neither UBJ nor JSON; other formats could run code when they"
            " are loaded."
        )
        return Refusal(_CANNOT_BE_SERVED, why, 'Log it with model_format="ubj".')
    return (
        _class_refusal(model_class(document))
        or _loader_refusal(flavors.get("python_function"))
        or _inputs_refusal(document.get("signature"))
    )


def model_class(document: Mapping[str, Any]) -> str:
    """The XGBoost class that was logged."""
    return str(document["flavors"]["xgboost"].get("model_class") or BOOSTER)


def _class_refusal(name: str) -> Refusal | None:
    """Classes that are not XGBoost's own may answer anything."""
    if name in CLASSIFIERS + _OTHER_CLASSES:
        return None
    why = f"It is a {name[:80]}; this runtime answers as XGBoost's own classes do."
    return Refusal("The model's class is not served.", why, "Log its booster: model.get_booster().")


def _loader_refusal(pyfunc: Any) -> Refusal | None:
    """Loaders that are not MLflow's own may answer anything, and run any code."""
    loader = str(
        (pyfunc.get("loader_module") if isinstance(pyfunc, Mapping) else None) or "mlflow.xgboost"
    )
    if loader == "mlflow.xgboost":
        return None
    why = f"Its pyfunc is loaded by {loader[:80]}, whose answers this runtime does not give."
    return Refusal(
        "The model's pyfunc is its own code.", why, "Log the model with mlflow.xgboost.log_model."
    )


def _inputs_refusal(signature: Any) -> Refusal | None:
    """Faults of the named inputs; a missing or broken signature is reported elsewhere."""
    inputs = _inputs(signature)
    if any(item.get("type") == "tensor" for item in inputs):
        return _tensors_refusal(inputs)
    for number, item in enumerate(inputs, start=1):
        name = item.get("name")
        if name in (None, ""):
            fix = "Name the columns before training, and log the model again."
            return Refusal(
                "The signature has an input that cannot be served.",
                f"Input {number} has no name, by which a request could give it.",
                fix,
            )
        if item.get("type") not in TYPES:
            why = (
                f"Input {str(name)[:80]} is of type {item.get('type')}; an XGBoost model takes"
                f" {', '.join(TYPES)}."
            )
            fix = "Turn it into a number before training, and log the model again."
            return Refusal("The signature has an input that cannot be served.", why, fix)
    return None


def _tensors_refusal(inputs: Sequence[Mapping[str, Any]]) -> Refusal | None:
    """One matrix of numbers can be served, its columns by position."""
    spec = inputs[0].get("tensor-spec")
    shape, dtype = (
        (spec.get("shape"), str(spec.get("dtype", ""))) if isinstance(spec, Mapping) else (None, "")
    )
    is_matrix = (
        isinstance(shape, list) and len(shape) == 2 and isinstance(shape[1], int) and shape[1] >= 1
    )
    if len(inputs) == 1 and is_matrix and dtype.startswith(("float", "int", "uint")):
        return None
    description = (
        f"a tensor of shape {shape} and type {dtype or 'unknown'}"
        if len(inputs) == 1
        else f"{len(inputs)} inputs, of which some are tensors"
    )
    return Refusal(
        "The signature cannot be served.",
        f"It is {description}.",
        "Use a signature with named columns.",
    )


def _inputs(signature: Any) -> Sequence[Mapping[str, Any]]:
    try:
        inputs = json.loads(signature["inputs"])
    except (ValueError, TypeError, KeyError):
        return []
    valid = isinstance(inputs, list) and all(isinstance(item, Mapping) for item in inputs)
    return inputs if valid else []
