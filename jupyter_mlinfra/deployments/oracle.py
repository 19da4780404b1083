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

    given = json.loads(Path(rows).read_text(encoding="utf-8"))
    loaded = mlflow.pyfunc.load_model(model)
    schema = loaded.metadata.get_input_schema()
    if schema is not None and schema.is_tensor_spec():
        inputs = np.array(
            [[np.nan if value is None else value for value in row] for row in given["rows"]],
            dtype=schema.inputs[0].type,
        )
    else:
        inputs = _frame(given["columns"], given["rows"])
    found = _ask(loaded, model, inputs, given)
    json.dump(np.asarray(found).astype(float).tolist(), sys.stdout)


def _ask(loaded: Any, model: str, inputs: Any, given: dict[str, Any]) -> Any:
    if given["answers"] == "probabilities" and "Classifier" in given["model_class"]:
        import mlflow.xgboost

        return mlflow.xgboost.load_model(model).predict_proba(inputs)
    if _fits_schema(given):
        return loaded.predict(inputs)
    # MLflow's check of the schema knows neither categories nor integers with missing values; the
    # model behind it does.
    return loaded._model_impl.predict(inputs)


def _fits_schema(given: dict[str, Any]) -> bool:
    gaps = [
        any(row[place] is None for row in given["rows"]) for place in range(len(given["columns"]))
    ]
    return all(
        column["type"] in ("double", "float") or (column["type"] != "string" and not gap)
        for column, gap in zip(given["columns"], gaps, strict=True)
    )


def _frame(columns: list[dict[str, Any]], rows: list[list[Any]]) -> Any:
    import pandas as pd

    found = {}
    for place, column in enumerate(columns):
        values = [row[place] for row in rows]
        whole = column["type"] not in ("double", "float") and None not in values
        number = _NUMBERS.get(column["type"])
        kind = (
            "category"
            if number is None
            else number
            if whole or number.startswith("float")
            else "float64"
        )
        found[column["name"]] = pd.Series(values, dtype=kind)
    return pd.DataFrame(found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
