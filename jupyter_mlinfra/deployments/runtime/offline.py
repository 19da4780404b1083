"""The oracle of the tests before traffic: `booster.predict` on a DMatrix, in a process of its own.

    python offline.py MODEL_FILE ROWS.json     prints the predictions as a JSON list

ROWS.json: {"names": […], "rows": [[…]]} with numbers and null.
"""

from __future__ import annotations

import json
import sys
from typing import Any

sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # XGBoost does without, and comes up in a third of the time

import numpy as np  # noqa: E402
import xgboost  # noqa: E402


def main(model: str, rows: str) -> None:
    """Print what the model answers without any server."""
    with open(rows, encoding="utf-8") as file:
        given = json.load(file)
    booster = xgboost.Booster(model_file=model)
    json.dump(booster.predict(_matrix(given["names"], given["rows"], booster)).astype(float).tolist(), sys.stdout)


def _matrix(names: list[str], rows: list[list[Any]], booster: xgboost.Booster) -> xgboost.DMatrix:
    known = list(booster.feature_names or [])
    order = known if set(known) == set(names) else names
    place = {name: at for at, name in enumerate(names)}
    names, rows = order, [[row[place[name]] for name in order] for row in rows]
    if not any(isinstance(value, str) for row in rows for value in row):
        matrix = np.array([[np.nan if value is None else float(value) for value in row] for row in rows])
        return xgboost.DMatrix(matrix, feature_names=booster.feature_names, feature_types=booster.feature_types)
    import pandas as pd  # texts: let XGBoost itself map them to the codes of the training

    frame = pd.DataFrame(rows, columns=names)
    for name, kind in zip(names, booster.feature_types or [], strict=False):
        frame[name] = frame[name].astype("category") if kind == "c" else frame[name].astype(float)
    return xgboost.DMatrix(frame, enable_categorical=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
