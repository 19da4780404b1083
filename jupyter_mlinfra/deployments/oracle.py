"""The correct answers for the test before traffic: those of the logged model's own pyfunc, in its
own environment and process.

python -I oracle.py MODEL_FOLDER ROWS.json     prints the answers as a JSON list

ROWS.json: {"columns": [{"name": …, "type": …}], "rows": [[…]], "answers": "classes"}. Imports
nothing of the workbench, which is not installed there: the environment holds what the model was
logged with (`environment.LOGGED`).
"""

from __future__ import annotations

import json
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


def main(model: str, rows: str) -> None:
    """Print the model's answers, computed without any server."""
    import mlflow
    import numpy as np

    request = json.loads(Path(rows).read_text(encoding="utf-8"))
    loaded = mlflow.pyfunc.load_model(model)
    schema = loaded.metadata.get_input_schema()
    if schema is not None and schema.is_tensor_spec():
        inputs = np.array(
            [[np.nan if value is None else value for value in row] for row in request["rows"]],
            dtype=schema.inputs[0].type,
        )
    else:
        inputs = _frame(request["columns"], request["rows"])
    answers = _predict(loaded, model, inputs, request)
    json.dump(np.asarray(answers).astype(float).tolist(), sys.stdout)


def _predict(loaded: Any, model: str, inputs: Any, request: dict[str, Any]) -> Any:
    if request["answers"] == "probabilities" and "Classifier" in request["model_class"]:
        import mlflow.xgboost

        return mlflow.xgboost.load_model(model).predict_proba(inputs)
    if _fits_schema(request):
        return loaded.predict(inputs)
    # MLflow's check of the schema knows neither categories nor integers with missing values; the
    # model behind it does.
    return loaded._model_impl.predict(inputs)


def _fits_schema(request: dict[str, Any]) -> bool:
    have_missing = [
        any(row[position] is None for row in request["rows"])
        for position in range(len(request["columns"]))
    ]
    return all(
        column["type"] in ("double", "float") or (column["type"] != "string" and not missing)
        for column, missing in zip(request["columns"], have_missing, strict=True)
    )


def _frame(columns: list[dict[str, Any]], rows: list[list[Any]]) -> Any:
    import pandas as pd

    series = {}
    for position, column in enumerate(columns):
        values = [row[position] for row in rows]
        complete = column["type"] not in ("double", "float") and None not in values
        numpy_type = _NUMBERS.get(column["type"])
        dtype = (
            "category"
            if numpy_type is None
            else numpy_type
            if complete or numpy_type.startswith("float")
            else "float64"
        )
        series[column["name"]] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(series)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
