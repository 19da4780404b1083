"""What MLflow recorded about a model: its file, inputs, answers, and the libraries it was made
with.

Read only from the files: without a tracking server, without importing the model's library, and
nothing is unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.errors import BadRequest, Unprocessable
from .servable import BOOSTER, CLASSIFIERS, model_class, refusal

Answers = Literal["classes", "probabilities", "values"]

_OF_OBJECTIVE: Mapping[str, Answers] = {
    "binary:logistic": "probabilities",
    "multi:softprob": "probabilities",
    "binary:hinge": "classes",
    "multi:softmax": "classes",
}
_SPEC = r"(?P<spec>(?:[=<>!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*)\Z"
_SERVES = re.compile(r"(?P<name>xgboost|xgboost-cpu|numpy|scipy)\s*" + _SPEC)
_EXPLAINS = re.compile(
    r"(?P<name>xgboost|xgboost-cpu|numpy|scipy|pandas|scikit-learn|mlflow|mlflow-skinny)\s*" + _SPEC
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column of the signature. optional: the training data had missing values in it."""

    name: str
    type: str
    optional: bool
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A model as it was logged. requirements: of the runtime that answers; own_requirements: of its
    own pyfunc. document: the parts of MLmodel that load it.
    """

    file: Path
    columns: Sequence[Input]
    output_names: Sequence[str]
    model_class: str
    answers: Answers
    requirements: Sequence[str]
    own_requirements: Sequence[str]
    document: Mapping[str, Any]


def read(model: Path, answers: Answers | None = None) -> Logged:
    """Read the folder of an MLflow model. answers: what a classifier answers; None: the same as its
    own pyfunc.

    Raises Unprocessable if it is not an XGBoost model with a signature that can be served,
    BadRequest for answers that it cannot give.
    """
    document = read_document(model)
    file = _model_file(model, document)
    name = model_class(document)
    columns, outputs = _signature(document)
    lines = _lines(model)
    return Logged(
        file=file,
        columns=columns,
        output_names=outputs,
        model_class=name,
        answers=_answers(name, _booster_names(file)[1], answers),
        requirements=_requirements(lines, _SERVES, document),
        own_requirements=_own_requirements(lines, document),
        document=_loadable(document, file.name),
    )


def read_document(model: Path) -> dict[str, Any]:
    """The file MLmodel. Raises Unprocessable if there is none, or if it names no flavor."""
    import yaml

    try:
        document = yaml.safe_load((model / "MLmodel").read_text())
    except FileNotFoundError:
        raise Unprocessable(
            f"{model.name} is not an MLflow model.",
            "It has no file MLmodel.",
            "Log the model again, by the log_model of its library.",
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unprocessable(
            "The file MLmodel cannot be read.", f"{str(error)[:200]}.", "Log the model again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise Unprocessable(
            "The file MLmodel is broken.", "It names no flavor.", "Log the model again."
        )
    return document


def _model_file(model: Path, document: Mapping[str, Any]) -> Path:
    flavor = document["flavors"].get("xgboost")
    data = str(flavor.get("data", "")) if isinstance(flavor, dict) else ""
    file = (model / data).resolve()
    if isinstance(flavor, dict) and not (file.is_relative_to(model.resolve()) and file.is_file()):
        raise Unprocessable(
            "The model's file is missing.",
            f"MLmodel names {data[:80]!r}, which is not in its folder.",
            "Log the model again.",
        )
    if problem := refusal(document):
        raise Unprocessable(problem.what, problem.why, problem.fix)
    if _booster_names(file)[0] == "gblinear":
        why = (
            "Its booster is gblinear. XGBoost predicts from rows in place with trees only, and a"
            " linear booster is not safe in several threads."
        )
        raise Unprocessable("The model cannot be served.", why, 'Train it with booster="gbtree".')
    return file


def _answers(name: str, objective: str, requested: Answers | None) -> Answers:
    if name in CLASSIFIERS:
        if requested == "values":
            raise BadRequest(
                "A classifier does not answer values.",
                "It answers classes or probabilities.",
                "--answers classes or --answers probabilities",
            )
        return requested or "classes"
    native = _OF_OBJECTIVE.get(objective, "values") if name == BOOSTER else "values"
    if requested not in (None, native):
        origin = (
            f"objective {objective}"
            if name == BOOSTER and objective
            else f"class {name.rpartition('.')[2]}"
        )
        raise BadRequest(
            f"The model cannot answer {requested}.",
            f"It is of {origin} and answers {native}.",
            "Leave the answers out, or log an XGBClassifier.",
        )
    return native


def _booster_names(file: Path) -> tuple[str, str]:
    """Names of booster and objective in the model file; empty if it does not say."""
    data = file.read_bytes()
    if file.suffix == ".json":
        try:
            learner = json.loads(data)["learner"]
            return str(learner["gradient_booster"]["name"]), str(learner["objective"]["name"])
        except (ValueError, KeyError, TypeError):
            return "", ""  # broken: the start reports how
    # UBJSON: L and S stand before a length of eight bytes; the keys of an object are sorted.
    linear = _key(b"name") + b"SL" + _length(b"gblinear")
    key_start = data.rfind(_key(b"objective") + b"{" + _key(b"name") + b"SL")
    if key_start < 0:
        return "gblinear" if linear in data else "", ""
    value_start = key_start + len(_key(b"objective") + b"{" + _key(b"name") + b"SL")
    size = int.from_bytes(data[value_start : value_start + 8], "big")
    objective = data[value_start + 8 : value_start + 8 + min(size, 64)].decode(errors="replace")
    return "gblinear" if linear in data else "", objective


def _length(text: bytes) -> bytes:
    return len(text).to_bytes(8, "big") + text


def _key(text: bytes) -> bytes:
    return b"L" + _length(text)


def _signature(document: Mapping[str, Any]) -> tuple[list[Input], list[str]]:
    signature = document.get("signature") or {}
    try:
        inputs = json.loads(signature.get("inputs") or "null")
        outputs = json.loads(signature.get("outputs") or "null")
        if not all(isinstance(item, dict) for item in [*(inputs or []), *(outputs or [])]):
            raise TypeError("an input or output is not a mapping")
    except (ValueError, TypeError, AttributeError) as error:
        raise Unprocessable(
            "The model's signature is broken.", f"{error}.", "Log the model again."
        ) from error
    if not inputs:
        fix = (
            "Log it with signature=mlflow.models.infer_signature(inputs, predictions), and register"
            " the new run."
        )
        raise Unprocessable(
            "The model has no signature.",
            "Without one a request cannot be checked before the model sees it.",
            fix,
        )
    if inputs[0].get("type") == "tensor":
        return _tensor_inputs(inputs), []
    columns = [
        Input(name=str(item["name"]), type=item["type"], optional=item.get("required") is False)
        for item in inputs
    ]
    names = [
        str(item["name"])
        for item in outputs or []
        if item.get("type") != "tensor" and item.get("name")
    ]
    return columns, names


def _tensor_inputs(inputs: Sequence[Mapping[str, Any]]) -> list[Input]:
    """A signature without names: columns by position. Floats may be missing, because NaN is one of
    their values.
    """
    spec = inputs[0]["tensor-spec"]
    floats = str(spec["dtype"]).startswith("float")
    return [
        Input(name=f"f{position}", type="double" if floats else "long", optional=floats)
        for position in range(spec["shape"][1])
    ]


def _lines(model: Path) -> list[str]:
    file = model / "requirements.txt"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [line.partition("#")[0].strip().lower().replace("_", "-") for line in lines]


def _requirements(
    lines: Sequence[str], libraries: re.Pattern[str], document: Mapping[str, Any]
) -> list[str]:
    """The recorded versions of the libraries that determine the answers, without the model's other
    requirements.
    """
    requirements = {
        match["name"]: match["spec"].replace(" ", "")
        for line in lines
        if (match := libraries.match(line))
    }
    if "xgboost" not in requirements and "xgboost-cpu" not in requirements:
        recorded = str(document["flavors"]["xgboost"].get("xgb_version", ""))
        requirements["xgboost"] = f"=={recorded}" if re.match(r"[\w.]+\Z", recorded) else ">=3.1"
    return [f"{name}{spec}" for name, spec in sorted(requirements.items())]


def _own_requirements(lines: Sequence[str], document: Mapping[str, Any]) -> list[str]:
    """The requirements of its pyfunc. mlflow-skinny contains all of MLflow that loads a model, at a
    tenth of the size.
    """
    requirements = _requirements(
        [re.sub(r"^mlflow(?![\w-])", "mlflow-skinny", line) for line in lines], _EXPLAINS, document
    )
    recorded = str(document.get("mlflow_version", ""))
    pinned = f"mlflow-skinny=={recorded}" if re.match(r"[\w.]+\Z", recorded) else "mlflow-skinny"
    needed = {"mlflow-skinny": pinned, "pandas": "pandas", "scikit-learn": "scikit-learn"}
    missing = [
        line
        for name, line in needed.items()
        if not any(re.match(rf"{name}(?![\w-])", requirement) for requirement in requirements)
    ]
    return sorted([*requirements, *missing])


def _loadable(document: Mapping[str, Any], file: str) -> dict[str, Any]:
    """What MLflow needs to load the model from a folder that holds `file`, without anything that
    changes with each logging, and without the model's own code.
    """
    flavors = document["flavors"]
    flavor = {
        name: value
        for name, value in flavors["xgboost"].items()
        if name in ("model_class", "model_format", "xgb_version")
    }
    return {
        "flavors": {
            "python_function": {"loader_module": "mlflow.xgboost", "data": file, "env": {}},
            "xgboost": {**flavor, "data": file},
        },
        "signature": document.get("signature"),
    }
