"""The correct answers for the test before traffic: those of the logged model's own pyfunc, in its
own environment and process.

python -I oracle.py MODEL_FOLDER ROWS.json ANSWERS.json SECONDS

ROWS.json: {"columns": [{"name": …, "type": …, "spec": …}], "layout": "columns", "sample": {…},
"answers": "classes", "engine": …, "model_class": …}. Writes the answers as {output: flat list}, in
which lists and objects of one column stay whole; an output without a name is called "". Ends itself
by SIGALRM after SECONDS, even if the deploy that waits for it was killed. Imports nothing of the
workbench, which is not installed there, but for a file that needs nothing of it: the environment
holds what the model was logged with (`environment.LOGGED`).
"""

from __future__ import annotations

import base64
import datetime
import decimal
import importlib.util
import json
import math
import signal
import sys
from pathlib import Path
from typing import Any

_NUMBERS = {
    "double": "float64",
    "float": "float32",
    "integer": "int32",
    "long": "int64",
    "boolean": "bool",
}


def main(model: str, rows: str, answers: str) -> None:
    """Write the model's answers, computed without any server."""
    request = json.loads(Path(rows).read_text(encoding="utf-8"))
    if request["engine"] == "torch":
        Path(answers).write_text(json.dumps(_torch_outputs(model, request)), encoding="utf-8")
        return
    import mlflow

    loaded = mlflow.pyfunc.load_model(model)
    parts = [
        _outputs(_predict(loaded, model, _inputs(loaded, part), part)) for part in _alone(request)
    ]
    found = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    Path(answers).write_text(json.dumps(found), encoding="utf-8")


def _alone(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Each row alone if a pyfunc's row lacks a whole number: MLflow's check takes it if its column
    is left out. Else all of them.
    """
    columns, rows = request["columns"], request["sample"].get("ndarray", [])
    places = [at for at, column in enumerate(columns) if column["type"] in ("integer", "long")]
    if request["engine"] != "pyfunc" or request["layout"] != "columns":
        return [request]
    if not any(row[place] is None for place in places for row in rows):
        return [request]
    return [{**request, "sample": {**request["sample"], "ndarray": [row]}} for row in rows]


def _torch_outputs(model: str, request: dict[str, Any]) -> dict[str, list[Any]]:
    """As MLflow's own pyfunc asks a PyTorch model, which takes one input, and one output, only."""
    import mlflow.pytorch
    import numpy as np
    import torch

    module = mlflow.pytorch.load_model(model, map_location="cpu", weights_only=False)
    sample, columns = request["sample"], request["columns"]
    if request["layout"] == "tensors":
        values = sample.get("jsonData") or {sample["names"][0]: sample["ndarray"]}
        given = {
            item["name"]: np.array(values[item["name"]], dtype=item["spec"]["dtype"])
            for item in columns
        }
    else:
        given = {"": np.array(sample["ndarray"], dtype=np.float32)}
    tensors = {name: torch.from_numpy(array) for name, array in given.items()}
    rows = len(next(iter(tensors.values())))
    step = request["rows_at_once"] or rows
    with torch.no_grad():
        parts = [
            _asked(module, {name: item[at : at + step] for name, item in tensors.items()})
            for at in range(0, rows, step)
        ]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _asked(module: Any, tensors: dict[str, Any]) -> dict[str, list[Any]]:
    """By name if `forward` has these names, else by position. An exported program is called as it
    was when it was exported, and MLflow does that by position, whatever its `forward` says.
    """
    import torch

    names: tuple[str, ...] = ()
    if not isinstance(module, torch.fx.GraphModule):
        try:
            code = module.forward.__code__
            names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        except AttributeError:  # a script
            names = ()
    by_name = len(tensors) > 1 and set(tensors) <= set(names)
    return _parts(module(**tensors) if by_name else module(*tensors.values()), "")


def _parts(answer: Any, path: str) -> dict[str, list[Any]]:
    """Flat values by name; a part of a tuple has its place as name."""
    if answer is None:
        return {}
    if isinstance(answer, tuple | list):
        names = getattr(answer, "_fields", None) or range(len(answer))
        answer = {str(name): item for name, item in zip(names, answer, strict=True)}
    if isinstance(answer, dict):
        found: dict[str, list[Any]] = {}
        for name, item in answer.items():
            found |= _parts(item, f"{path}.{name}" if path else str(name))
        return found
    plain = answer.detach().cpu()
    return {path: _flat(plain.float() if "bfloat16" in str(plain.dtype) else plain)}


def _inputs(loaded: Any, request: dict[str, Any]) -> Any:
    import numpy as np

    sample, schema = request["sample"], loaded.metadata.get_input_schema()
    if request["layout"] == "tensors":
        values = sample.get("jsonData") or {sample["names"][0]: sample["ndarray"]}
        arrays = {
            column["name"]: _tensor(values[column["name"]], column["spec"]["dtype"])
            for column in request["columns"]
        }
        return arrays if schema.has_input_names() else next(iter(arrays.values()))
    if request["layout"] == "unnamed":
        return [row[0] for row in sample["ndarray"]]
    if schema is not None and schema.is_tensor_spec():
        rows = [[np.nan if value is None else value for value in row] for row in sample["ndarray"]]
        return np.array(rows, dtype=schema.inputs[0].type)
    return _frame(request, sample["ndarray"], _missing_texts(loaded, request))


def _missing_texts(loaded: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What a missing text is in each column of a scikit-learn model, as for the engine that serves
    it.
    """
    if request["engine"] != "sklearn":
        return {}
    file = Path(__file__).parent / "runtime" / "missing_texts.py"
    found = importlib.util.spec_from_file_location(file.stem, file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    texts = [column["name"] for column in request["columns"] if column["type"] == "string"]
    return dict(module.missing_texts(loaded.get_raw_model(), texts))


def _tensor(values: Any, dtype: str) -> Any:
    import numpy as np

    if dtype == "bytes":
        values = _decoded(values)
    return np.array(values, dtype=dtype)


def _decoded(values: Any) -> Any:
    """Nested lists of bytes for those of base64."""
    if isinstance(values, list):
        return [_decoded(value) for value in values]
    return base64.b64decode(values)


def _predict(loaded: Any, model: str, inputs: Any, request: dict[str, Any]) -> Any:
    wants_probabilities = request["answers"] == "probabilities"
    if wants_probabilities and request["engine"] == "sklearn":
        return loaded.get_raw_model().predict_proba(inputs)
    if wants_probabilities and "Classifier" in request["model_class"]:
        import mlflow.xgboost

        return mlflow.xgboost.load_model(model).predict_proba(inputs)
    if request["engine"] == "pyfunc" or _fits_schema(request):
        answers = loaded.predict(inputs)
        return _probabilities(answers) if request["engine"] == "onnx" else answers
    # MLflow's check of the schema knows neither categories nor integers with missing values; the
    # model behind it does.
    return loaded._model_impl.predict(inputs)


def _probabilities(answers: Any) -> Any:
    """The answers of an ONNX classifier, with its probabilities as lists in the order of the
    classes: they are one mapping per row.
    """
    if not isinstance(answers, dict):
        return answers
    return {
        name: [list(row.values()) for row in values]
        if isinstance(values, list) and values and isinstance(values[0], dict)
        else values
        for name, values in answers.items()
    }


def _fits_schema(request: dict[str, Any]) -> bool:
    if request["layout"] != "columns":
        return True
    rows = request["sample"]["ndarray"]
    columns = request["columns"]
    missing = [any(row[place] is None for row in rows) for place in range(len(columns))]
    categories = request["engine"] in ("xgboost", "lightgbm")
    return all(
        column["type"] in ("double", "float")
        or (not (categories and column["type"] == "string") and not has_gaps)
        for column, has_gaps in zip(columns, missing, strict=True)
    )


def _frame(request: dict[str, Any], rows: list[list[Any]], missing: dict[str, Any]) -> Any:
    import pandas as pd

    categories = request["engine"] in ("xgboost", "lightgbm")
    series = {}
    for place, column in enumerate(request["columns"]):
        gap = missing.get(column["name"])
        values = [gap if row[place] is None else row[place] for row in rows]
        kind = column["type"]
        if request["engine"] == "pyfunc" and None in values:
            if kind in ("integer", "long"):
                continue
            kind = "any" if kind == "boolean" else kind
        series[column["name"]] = _series(pd, kind, values, categories)
    return pd.DataFrame(series)


def _series(pd: Any, kind: str, values: list[Any], categories: bool) -> Any:
    if kind == "datetime":
        zoned = pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
        return zoned.dt.tz_localize(None)
    if kind == "binary":
        return pd.Series([None if value is None else base64.b64decode(value) for value in values])
    numpy_type = _NUMBERS.get(kind)
    if numpy_type is None:
        return pd.Series(values, dtype="category" if categories else "object")
    complete = kind not in ("double", "float") and None not in values
    dtype = numpy_type if complete or numpy_type.startswith("float") else "float64"
    return pd.Series(values, dtype=dtype)


def _outputs(answers: Any) -> dict[str, list[Any]]:
    import pandas as pd

    if isinstance(answers, pd.DataFrame):
        return {str(name): _flat(answers[name]) for name in answers.columns}
    if isinstance(answers, dict):
        return {str(name): _flat(values) for name, values in answers.items()}
    if isinstance(answers, list) and answers and all(isinstance(item, dict) for item in answers):
        return _outputs(pd.DataFrame(answers))
    return {"": _flat(answers)}


def _flat(values: Any) -> list[Any]:
    import numpy as np

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if hasattr(values, "toarray"):  # a sparse matrix
        values = values.toarray()
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        return [_plain(value) for value in values]
    if array.dtype.kind in "US":  # which make texts of numbers, and forget zeros of bytes
        array = np.array(values, dtype=object)
    if array.dtype.kind in "biuf":
        flat = array.astype(float).ravel().tolist()
        return [None if math.isnan(value) else value for value in flat]
    if array.dtype.kind == "M":
        texts = [str(value) for value in np.datetime_as_string(array, unit="auto").ravel()]
        return [None if text == "NaT" else text for text in texts]
    return [_plain(value) for value in array.ravel().tolist()]


def _plain(value: Any) -> Any:
    """As JSON has it. Lists and objects stay what they are."""
    import numpy as np

    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.number | np.bool_ | np.ndarray):
        return _plain(value.tolist())
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool | int | float | decimal.Decimal):
        return None if math.isnan(value) else float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    # Its default action, not a handler of Python: code that hangs may never come back to Python.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[4]))
    main(*sys.argv[1:4])
