"""What can be served and by which engine, judged by a model's `MLmodel` alone: before it is
registered, on its page, and again when it is deployed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from .lightgbm_file import pandas_categories

Engine = Literal["xgboost", "lightgbm", "sklearn", "onnx", "torch", "pyfunc"]
"""What loads and asks the model in a serving process; see `runtime.engine`."""

Layout = Literal["columns", "tensors", "unnamed"]
"""The form of the inputs: named columns, tensors, or a list of single values without a name."""

SCALARS = ("double", "float", "integer", "long", "boolean", "string", "datetime", "binary")
NUMBERS = ("double", "float", "integer", "long", "boolean")
NESTED = ("array", "object", "map", "any")
MATRIX_TYPES = ("double", "float", "integer", "long", "boolean", "string")
"""Types that the engines of XGBoost and LightGBM take; a text is a category."""

BOOSTER = "xgboost.core.Booster"
LIGHTGBM_BOOSTER = "lightgbm.basic.Booster"
CLASSIFIERS = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRFClassifier")
_OTHER_CLASSES = (
    BOOSTER,
    "xgboost.sklearn.XGBRegressor",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRanker",
)
_XGBOOST_FILES = (".ubj", ".json")
_TENSOR_TYPE = re.compile(r"float(16|32|64)|int(8|16|32|64)|uint8|bool")
"""Types of tensors that PyTorch has too."""

_SAFE_TYPE = re.compile(r"(sklearn|lightgbm|xgboost)(\.\w+)*\.[A-Z]\w*|collections\.OrderedDict")
"""Classes of known libraries. No functions: what a reader of skops is told to trust, it calls."""

_USE = "It can be used in a notebook or a job: ml.model(…).load()."
_CANNOT_BE_SERVED = "The model cannot be served."
_BAD_INPUT = "The signature has an input that cannot be served."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model is not served, and what to do: how to log it, or how else to use it."""

    what: str
    why: str
    fix: str


def unservable(document: Mapping[str, Any], folder: Path | None = None) -> str:
    """Why a model cannot be deployed; empty if nothing here prevents it. folder: of its files, if
    they are on this machine.
    """
    problem = refusal(document) or (files_refusal(document, folder) if folder else None)
    return problem.why if problem is not None else ""


def refusal(document: Mapping[str, Any]) -> Refusal | None:
    """What prevents serving a model; a list of a server's versions may know only its flavors."""
    flavors = document.get("flavors")
    if not isinstance(flavors, Mapping):
        return Refusal(_CANNOT_BE_SERVED, "Its MLmodel names no flavor.", _USE)
    known = {"python_function", "xgboost", "lightgbm", "sklearn", "onnx", "pytorch"} & set(flavors)
    if not known:
        names = ", ".join(sorted(str(name) for name in flavors)) or "none"
        why = f"It is of flavor {names}, without a python_function by which it could be asked."
        return Refusal(_CANNOT_BE_SERVED, why, _USE)
    return _inputs_refusal(document.get("signature"), engine_of(document))


def files_refusal(document: Mapping[str, Any], folder: Path) -> Refusal | None:
    """What prevents serving a model that only its files say. LightGBM numbers the categories of
    each categorical column of a frame, but its file does not say which columns these are, and its
    own pyfunc takes categories that are no texts from no frame that fits the signature: there is
    nothing to compare a guess with.
    """
    if engine_of(document) != "lightgbm":
        return None
    file = (folder / str(document["flavors"]["lightgbm"].get("data"))).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        return None  # which is reported elsewhere
    texts = sum(item.get("type") == "string" for item in _inputs(document.get("signature")))
    lists = pandas_categories(file)
    if len(lists) == texts:
        return None
    other = next((known for known in lists if not all(isinstance(item, str) for item in known)), [])
    example = f" One has {', '.join(map(str, other[:3]))}, which are no texts." if other else ""
    return Refusal(
        "The categories of this LightGBM model do not fit its signature.",
        f"It has {len(lists)} columns of categories, and the signature {texts} of texts.{example}",
        'Make texts of them before it is trained: frame["c"].astype(str).astype("category"); then'
        " log it again.",
    )


def engine_of(document: Mapping[str, Any]) -> Engine:
    """The fastest engine that answers as the model's own pyfunc does."""
    flavors = document["flavors"]
    pyfunc = _mapping(flavors.get("python_function"))
    inputs = _inputs(document.get("signature"))
    loader = str(pyfunc.get("loader_module") or "")
    for name in ("xgboost", "lightgbm", "sklearn", "onnx"):
        flavor = flavors.get(name)
        # Another loader is the model's own code, which may answer anything.
        # Another file than the flavor's is read by rules of its own.
        file = (
            flavor.get("pickled_model") or flavor.get("data") if isinstance(flavor, Mapping) else ""
        )
        named = {str(pyfunc[key]) for key in ("data", "model_path") if pyfunc.get(key)}
        if isinstance(flavor, Mapping) and name in ("sklearn", "onnx") and named - {str(file)}:
            return "pyfunc"
        if isinstance(flavor, Mapping) and loader in ("", f"mlflow.{name}"):
            if name == "xgboost":
                # Of the known libraries, MLflow hands parameters on to this one alone.
                takes = bool(params(document.get("signature")))
                return "pyfunc" if takes else _xgboost_engine(flavor)
            if name == "lightgbm" and _is_lightgbm_text(flavor):
                return "lightgbm"
            if name == "onnx":
                return _onnx_engine(flavor, inputs)
            return _sklearn_engine(flavor, pyfunc, inputs)
    if isinstance(flavors.get("pytorch"), Mapping) and loader in ("", "mlflow.pytorch"):
        return _torch_engine(inputs)
    return "pyfunc"


def _xgboost_engine(flavor: Mapping[str, Any]) -> Engine:
    data = str(flavor.get("data") or "model.ubj")
    known = str(flavor.get("model_class") or BOOSTER) in CLASSIFIERS + _OTHER_CLASSES
    return "xgboost" if known and PurePosixPath(data).suffix in _XGBOOST_FILES else "pyfunc"


def _is_lightgbm_text(flavor: Mapping[str, Any]) -> bool:
    if str(flavor.get("model_class") or LIGHTGBM_BOOSTER) != LIGHTGBM_BOOSTER:
        return False
    return PurePosixPath(str(flavor.get("data") or "model.lgb")).suffix in (".lgb", ".txt")


def _sklearn_engine(
    flavor: Mapping[str, Any], pyfunc: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
) -> Engine:
    asks = str(pyfunc.get("predict_fn") or "predict") in ("predict", "predict_proba")
    layout = layout_of(inputs)
    is_table = layout == "columns" or (layout == "tensors" and is_numeric_matrix(inputs))
    is_file = bool(flavor.get("pickled_model") or flavor.get("data"))
    return "sklearn" if asks and is_table and is_file else "pyfunc"


def _onnx_engine(flavor: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> Engine:
    nested = any(item.get("type") in NESTED for item in inputs)
    options = flavor.get("onnx_session_options") or {}
    plain = set(_mapping(options)) <= {"inter_op_num_threads", "intra_op_num_threads"}
    return "onnx" if plain and not nested and layout_of(inputs) != "unnamed" else "pyfunc"


def _torch_engine(inputs: Sequence[Mapping[str, Any]]) -> Engine:
    """Tensors of numbers, or columns that can be one matrix of them."""
    layout = layout_of(inputs)
    if layout == "tensors":
        types = [str(_mapping(item.get("tensor-spec")).get("dtype", "")) for item in inputs]
        return "torch" if all(_TENSOR_TYPE.fullmatch(name) for name in types) else "pyfunc"
    numbers = all(item.get("type") in NUMBERS for item in inputs)
    return "torch" if layout == "columns" and numbers else "pyfunc"


def layout_of(inputs: Sequence[Mapping[str, Any]]) -> Layout:
    """The form of the inputs of a signature."""
    if any(item.get("type") == "tensor" for item in inputs):
        return "tensors"
    if len(inputs) == 1 and inputs[0].get("name") in (None, ""):
        return "unnamed"
    return "columns"


def is_numeric_matrix(inputs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the signature is one matrix of numbers of a known width, its columns by position."""
    spec = inputs[0].get("tensor-spec") if len(inputs) == 1 else None
    shape = spec.get("shape") if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(shape, list) or len(shape) != 2:
        return False
    is_number = str(spec.get("dtype", "")).startswith(("float", "int", "uint"))
    return is_number and isinstance(shape[1], int) and shape[1] >= 1


def runs_code(document: Mapping[str, Any]) -> bool:
    """Whether loading the model may run code from its files: a pickle, its own modules, or types
    that a reader of skops is told to trust.
    """
    flavors = document.get("flavors")
    if not isinstance(flavors, Mapping):
        return True  # nobody can know
    engine = engine_of(document)
    # PyTorch's exported programs may hold pickled weights.
    if engine in ("torch", "pyfunc") or _mapping(flavors.get("python_function")).get("code"):
        return True
    if engine != "sklearn":
        return False
    flavor = _mapping(flavors.get("sklearn")) or _mapping(flavors.get("lightgbm"))
    file = str(flavor.get("pickled_model") or flavor.get("data") or "")
    trusted = flavor.get("skops_trusted_types") or []
    safe = all(_SAFE_TYPE.fullmatch(str(name)) for name in trusted)
    is_skops = str(flavor.get("serialization_format") or "skops") == "skops"
    return PurePosixPath(file).suffix != ".skops" or not is_skops or not safe


def model_class(document: Mapping[str, Any]) -> str:
    """The class that was logged, where its flavor names one."""
    flavors = document["flavors"]
    for name, default in (("xgboost", BOOSTER), ("lightgbm", LIGHTGBM_BOOSTER)):
        if isinstance(flavors.get(name), Mapping):
            return str(flavors[name].get("model_class") or default)
    return ""


def _inputs_refusal(signature: Any, engine: Engine) -> Refusal | None:
    """Faults of the named inputs; a missing or broken signature is reported elsewhere."""
    inputs = _inputs(signature)
    boosted = engine in ("xgboost", "lightgbm")
    counts = Counter(str(item["name"]) for item in inputs if item.get("name"))
    if repeated := [name for name, count in counts.items() if count > 1]:
        why = f"{counts[repeated[0]]} inputs are called {repeated[0][:80]}; a request names each."
        fix = "Give each column a name of its own before training, and log the model again."
        return Refusal(_BAD_INPUT, why, fix)
    if layout_of(inputs) == "tensors":
        return _matrix_refusal(inputs) if boosted else _tensors_refusal(inputs)
    if layout_of(inputs) == "unnamed" and not boosted:
        inputs = [{**inputs[0], "name": "input"}]
    for number, item in enumerate(inputs, start=1):
        name = item.get("name")
        if name in (None, ""):
            fix = "Name the columns before training, and log the model again."
            return Refusal(
                _BAD_INPUT, f"Input {number} has no name, by which a request could give it.", fix
            )
        types = MATRIX_TYPES if boosted else (*SCALARS, *NESTED)
        if item.get("type") not in types:
            why = (
                f"Input {str(name)[:80]} is of type {item.get('type')}; the model takes"
                f" {', '.join(types)}."
            )
            fix = "Turn it into a number before training, and log the model again."
            return Refusal(_BAD_INPUT, why, fix)
    return None


def _matrix_refusal(inputs: Sequence[Mapping[str, Any]]) -> Refusal | None:
    """Boosted trees take one matrix of numbers, its columns by position."""
    if is_numeric_matrix(inputs):
        return None
    spec = _mapping(inputs[0].get("tensor-spec"))
    description = (
        f"a tensor of shape {spec.get('shape')} and type {spec.get('dtype') or 'unknown'}"
        if len(inputs) == 1
        else f"{len(inputs)} inputs, of which some are tensors"
    )
    fix = "Use a signature with named columns."
    return Refusal("The signature cannot be served.", f"It is {description}.", fix)


def _tensors_refusal(inputs: Sequence[Mapping[str, Any]]) -> Refusal | None:
    for number, item in enumerate(inputs, start=1):
        spec = item.get("tensor-spec")
        shape = spec.get("shape") if isinstance(spec, Mapping) else None
        name = str(item.get("name") or f"input {number}")[:80]
        if not isinstance(shape, list) or not shape or not all(isinstance(n, int) for n in shape):
            why = f"{name} is a tensor of shape {shape}; the first axis must count the rows."
            return Refusal(
                _BAD_INPUT, why, "Log the model again with a signature that MLflow infers."
            )
        if shape[0] >= 0:
            why = f"{name} takes exactly {shape[0]} rows; a request may have any number."
            return Refusal(
                _BAD_INPUT, why, "Use -1 for the first size of the tensor in the signature."
            )
        if len(inputs) > 1 and not item.get("name"):
            return Refusal(_BAD_INPUT, f"{name} has no name.", "Name each tensor in the signature.")
    return None


def _inputs(signature: Any) -> Sequence[Mapping[str, Any]]:
    try:
        inputs = json.loads(signature["inputs"])
    except (ValueError, TypeError, KeyError):
        return []
    valid = isinstance(inputs, list) and all(isinstance(item, Mapping) for item in inputs)
    return inputs if valid else []


def params(signature: Any) -> Sequence[Mapping[str, Any]]:
    """The parameters that a signature names, beside the inputs."""
    try:
        found = json.loads(signature["params"])
    except (ValueError, TypeError, KeyError):
        return []
    valid = isinstance(found, list) and all(
        isinstance(item, Mapping) and item.get("name") for item in found
    )
    return found if valid else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
