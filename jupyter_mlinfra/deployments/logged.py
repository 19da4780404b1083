"""What MLflow recorded about a model: its files, inputs, answers, and the libraries it was made
with.

Read only from the files: without a tracking server, without importing the model's library, and
nothing is unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..core.errors import BadRequest, Unprocessable
from . import servable
from .requirements import Requirements, requirements_of
from .runtime.param_names import BINARY
from .servable import (
    BOOSTER,
    CLASSIFIERS,
    Engine,
    Layout,
    engine_of,
    files_refusal,
    layout_of,
    refusal,
)
from .xgboost_file import booster_names

Answers = Literal["classes", "probabilities", "values"]

_OF_OBJECTIVE: Mapping[str, Answers] = {
    "binary:logistic": "probabilities",
    "multi:softprob": "probabilities",
    "binary:hinge": "classes",
    "multi:softmax": "classes",
}
_NOT_SERVED = (
    "input_example.json",
    "serving_input_example.json",
    "conda.yaml",
    "python_env.yaml",
    "registered_model_meta",
)
_SIZE = 8
"""Stands for a size that the signature leaves open, in a sample that has to be made up."""


class Unreadable(Unprocessable):
    """The folder holds no model with a signature that can be served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of the signature. optional: the training data had missing values in it. spec: of a
    nested type or a tensor, as in the signature.
    """

    name: str
    type: str
    optional: bool
    categories: Sequence[str] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter of the signature that a request may have. is_list: its values are lists of
    `type`. spec: of an object, its properties, as in the signature.
    """

    name: str
    type: str
    default: Any
    is_list: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A model as it was logged. folder: of its files. files: those that serve it, relative to the
    folder. model_file: the one that its engine reads. document: the parts of MLmodel that load it.
    """

    folder: Path
    engine: Engine
    layout: Layout
    files: Sequence[str]
    model_file: str
    columns: Sequence[Input]
    output_names: Sequence[str]
    model_class: str
    answers: Answers
    requirements: Requirements
    runs_code: bool
    document: Mapping[str, Any]
    params: Sequence[Param] = ()


def read(model: Path, answers: Answers | None = None) -> Logged:
    """Read the folder of an MLflow model. answers: what a classifier answers; None: the same as its
    own pyfunc.

    Raises Unreadable, or BadRequest for answers that it cannot give.
    """
    document = read_document(model)
    if problem := refusal(document):
        raise Unreadable(problem.what, problem.why, problem.fix)
    engine = engine_of(document)
    file = _model_file(model, document, engine)
    inputs, outputs = _signature(document)
    columns, layout = _columns(inputs, engine)
    if problem := files_refusal(document, model):
        raise Unreadable(problem.what, problem.why, problem.fix)
    return Logged(
        folder=model,
        engine=engine,
        layout=layout,
        files=_files(model, file, engine),
        model_file=file,
        columns=columns,
        output_names=outputs,
        model_class=servable.model_class(document),
        answers=_answers(model / file, document, engine, answers),
        requirements=requirements_of(
            model, document, engine, runs_code=servable.runs_code(document)
        ),
        runs_code=servable.runs_code(document),
        document=_loadable(document, file, engine),
        params=_params(document, engine),
    )


def read_document(model: Path) -> dict[str, Any]:
    """The file MLmodel. Raises Unreadable if there is none, or if it names no flavor."""
    import yaml

    try:
        document = yaml.safe_load((model / "MLmodel").read_text())
    except FileNotFoundError:
        raise Unreadable(
            f"{model.name} is not an MLflow model.",
            "It has no file MLmodel.",
            "Log the model again, by the log_model of its library.",
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unreadable(
            "The file MLmodel cannot be read.", f"{str(error)[:200]}.", "Log the model again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise Unreadable(
            "The file MLmodel is broken.", "It names no flavor.", "Log the model again."
        )
    return document


def _model_file(model: Path, document: Mapping[str, Any], engine: Engine) -> str:
    """The file or folder that the engine reads, relative to the model's folder."""
    flavors = document["flavors"]
    _check_paths(model, flavors)
    if engine == "pyfunc":
        return str(flavors.get("python_function", {}).get("data") or ".")
    if engine == "torch":
        return _torch_file(model, flavors["pytorch"])
    flavor = next(flavors[name] for name in (engine, "lightgbm", "sklearn") if name in flavors)
    data = str(flavor.get("pickled_model") or flavor.get("data") or "")
    file = (model / data).resolve()
    if not data or not file.is_file():
        raise _missing(data)
    if engine == "xgboost" and booster_names(file)[0] == "gblinear":
        why = (
            "Its booster is gblinear. XGBoost predicts from rows in place with trees only, and a"
            " linear booster is not safe in several threads."
        )
        raise Unreadable("The model cannot be served.", why, 'Train it with booster="gbtree".')
    return data


def _torch_file(model: Path, flavor: Mapping[str, Any]) -> str:
    """A pickle or TorchScript (`model.pth`), or an exported program."""
    folder = str(flavor.get("model_data") or "data")
    for name in ("model.pth", "model.pt2"):
        if (model / folder / name).is_file():
            return f"{folder}/{name}"
    raise _missing(f"{folder}/model.pth")


def _check_paths(model: Path, flavors: Mapping[str, Any]) -> None:
    """Raise Unprocessable for a path of MLmodel that is not in the model's folder."""
    root = model.resolve()
    for flavor in flavors.values():
        for key in ("data", "pickled_model", "code", "model_data", "model_path"):
            name = flavor.get(key) if isinstance(flavor, dict) else None
            if isinstance(name, str) and name:
                path = (model / name).resolve()
                if not path.is_relative_to(root) or not path.exists():
                    raise _missing(name)


def _missing(name: str) -> Unreadable:
    return Unreadable(
        "The model's file is missing.",
        f"MLmodel names {name[:80]!r}, which is not in its folder.",
        "Log the model again.",
    )


def _files(model: Path, file: str, engine: Engine) -> list[str]:
    """What the serving process needs: the one file of a format without code, else the whole folder
    but for the example. Raises Unprocessable for a link that leaves the folder.
    """
    if engine in ("xgboost", "lightgbm"):
        return [file]
    root = model.resolve()
    found = []
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model).as_posix()
        if not path.resolve().is_relative_to(root):
            raise Unreadable(
                "The model's folder is not complete.",
                f"{name} is a link to a file outside of it.",
                "Log the model again.",
            )
        if path.is_file() and name not in _NOT_SERVED and "__pycache__" not in path.parts:
            found.append(name)
    return found


def _answers(
    file: Path, document: Mapping[str, Any], engine: Engine, requested: Answers | None
) -> Answers:
    if engine == "xgboost":
        return _booster_answers(servable.model_class(document), booster_names(file)[1], requested)
    if engine == "sklearn":
        asks = document["flavors"].get("python_function", {}).get("predict_fn")
        native: Answers = "probabilities" if asks == "predict_proba" else "values"
        # Whether it is a classifier is known only once it is loaded; the tests before traffic
        # refuse a model without probabilities.
        return requested or native
    if requested not in (None, "values"):
        raise BadRequest(
            f"The model cannot be asked for {requested}.",
            "It is served as it was logged, and answers what its pyfunc answers.",
            "Leave the answers out, or log a model that answers them.",
        )
    return "values"


def _booster_answers(name: str, objective: str, requested: Answers | None) -> Answers:
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


def _signature(
    document: Mapping[str, Any],
) -> tuple[Sequence[Mapping[str, Any]], list[str]]:
    """The inputs, and the names of the outputs."""
    signature = document.get("signature") or {}
    try:
        inputs = json.loads(signature.get("inputs") or "null")
        outputs = json.loads(signature.get("outputs") or "null")
        if not all(isinstance(item, dict) for item in [*(inputs or []), *(outputs or [])]):
            raise TypeError("an input or output is not a mapping")
    except (ValueError, TypeError, AttributeError) as error:
        raise Unreadable(
            "The model's signature is broken.", f"{error}.", "Log the model again."
        ) from error
    if not inputs:
        fix = (
            "Log it with signature=mlflow.models.infer_signature(inputs, predictions), and register"
            " the new run."
        )
        raise Unreadable(
            "The model has no signature.",
            "Without one a request cannot be checked before the model sees it.",
            fix,
        )
    return inputs, [str(item["name"]) for item in outputs or [] if item.get("name")]


def _params(document: Mapping[str, Any], engine: Engine) -> list[Param]:
    """Those that the model's own pyfunc hands on; the other flavors of MLflow ignore them. Raises
    Unreadable for one that no request could set.
    """
    found = [
        Param(
            name=str(item["name"]),
            type=str(item.get("type") or item.get("dtype")),
            default=item.get("default"),
            is_list=item.get("shape") is not None,
            spec={key: value for key, value in item.items() if key == "properties"},
        )
        for item in servable.params(document.get("signature"))
        if engine == "pyfunc"
    ]
    if any(param.name == BINARY for param in found):
        raise Unreadable(
            f"The model's signature has a parameter {BINARY}.",
            "The Open Inference Protocol has that name for the form of an answer.",
            "Rename it, and log the model again.",
        )
    return found


def _columns(inputs: Sequence[Mapping[str, Any]], engine: Engine) -> tuple[list[Input], Layout]:
    layout = layout_of(inputs)
    if layout == "tensors":
        if engine in ("xgboost", "lightgbm", "sklearn") and servable.is_numeric_matrix(inputs):
            return _matrix_inputs(inputs[0]["tensor-spec"]), "columns"
        return [
            Input(
                name=str(item.get("name") or "input"),
                type="tensor",
                optional=False,
                spec=dict(item["tensor-spec"]),
            )
            for item in inputs
        ], layout
    if layout == "unnamed":
        inputs = [{**inputs[0], "name": "input"}]
    columns = []
    for item in inputs:
        nested = {key: value for key, value in item.items() if key in _SPEC_KEYS}
        columns.append(
            Input(
                name=str(item["name"]),
                type=str(item["type"]),
                optional=item.get("required") is False,
                spec=nested,
            )
        )
    return columns, layout


_SPEC_KEYS = ("items", "properties", "values")


def _matrix_inputs(spec: Mapping[str, Any]) -> list[Input]:
    """A signature without names: columns by position. Floats may be missing, because NaN is one of
    their values.
    """
    floats = str(spec["dtype"]).startswith("float")
    return [
        Input(name=f"f{position}", type="double" if floats else "long", optional=floats)
        for position in range(spec["shape"][1])
    ]


def _loadable(document: Mapping[str, Any], file: str, engine: Engine) -> dict[str, Any]:
    """What loads the model, without anything that changes with each logging. Of an XGBoost or
    LightGBM model also without the model's own code, which its file does not need.
    """
    flavors = document["flavors"]
    kept = {
        name: flavors[name]
        for name in ("python_function", "xgboost", "lightgbm", "sklearn", "onnx", "pytorch")
        if isinstance(flavors.get(name), dict)
    }
    if engine in ("xgboost", "lightgbm"):
        plain = {
            name: value for name, value in flavors[engine].items() if name not in ("code", "data")
        }
        kept = {
            "python_function": {"loader_module": f"mlflow.{engine}", "data": file, "env": {}},
            engine: {**plain, "data": file},
        }
    return {"flavors": kept, "signature": document.get("signature")}


def default_value(item: Input) -> Any:
    """A value that the signature allows, for a model that was logged without an example."""
    if item.type == "tensor":
        shape = [_SIZE if size < 0 else size for size in list(item.spec.get("shape", [-1]))[1:]]
        empty: Any = "" if str(item.spec.get("dtype")) in ("str", "object", "bytes") else 0
        for size in reversed(shape):
            empty = [empty] * size
        return empty
    if item.optional:
        return None
    return _empty({"type": item.type, **item.spec})


def _empty(spec: Mapping[str, Any]) -> Any:
    properties = spec.get("properties", {})
    if spec.get("type") == "object":
        return {
            name: _empty(part) for name, part in properties.items() if part.get("required", True)
        }
    plain = {"boolean": False, "datetime": "2000-01-01T00:00:00", "array": [], "map": {}}
    texts = {"string": "", "binary": ""}
    return plain.get(str(spec.get("type")), texts.get(str(spec.get("type")), 0))


def json_value(value: Any, item: Input) -> Any:
    """A value of a logged example as a request gives it."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if item.type == "boolean" and value in (0, 1):
        return bool(value)
    if item.type == "datetime" and isinstance(value, str):
        return value.replace(" ", "T")
    return value
