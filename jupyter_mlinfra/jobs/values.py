"""Values on their way between a kernel and a job, as files that hold data and never code: Parquet,
NumPy arrays, XGBoost models, JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..core.errors import Conflict, NotFound, Unprocessable
from .spec import Job

CELL_LABEL, OUT_LABEL = "cell", "out"
"""Labels of a job that was a cell: the folder of its values, and the names that it returns."""


def values_of(cells: Path, job: Job) -> dict[str, Any]:
    """The values that a cell's job left, by name. cells: the folder with those of all cells.

    Raises NotFound for a job that was not a cell, or whose values are gone, Conflict while it has
    not succeeded.
    """
    if CELL_LABEL not in job.labels:
        raise NotFound(
            f"Job {job.id} was not a cell.",
            "Only a %%job cell returns values.",
            "Read what its notebook made: a dataset, a run, a file.",
        )
    if job.state != "succeeded":
        raise Conflict(f"Job {job.id} is {job.state}.", job.reason, f"mlinfra jobs wait {job.id}")
    folder = cells / job.labels[CELL_LABEL] / "out"
    return {
        name: take_value(folder, name) for name in job.labels.get(OUT_LABEL, "").split(",") if name
    }


def put_value(folder: Path, name: str, value: Any) -> Path:
    """Write a value. Raises Unprocessable if it has none of these forms."""
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    folder.mkdir(parents=True, exist_ok=True)
    if kind in ("polars.DataFrame", "polars.LazyFrame"):
        path = folder / f"{name}.polars.parquet"
        (value.collect() if kind == "polars.LazyFrame" else value).write_parquet(path)
    elif kind == "pandas.DataFrame":
        path = folder / f"{name}.pandas.parquet"
        value.to_parquet(path)
    elif kind == "numpy.ndarray" and not value.dtype.hasobject:
        import numpy as np

        path = folder / f"{name}.npy"
        np.save(path, value, allow_pickle=False)
    elif kind == "xgboost.Booster":
        path = folder / f"{name}.ubj"
        value.save_model(path)
    else:
        path = folder / f"{name}.json"
        path.write_text(_json(name, kind, value))
    return path


def take_value(folder: Path, name: str) -> Any:
    """Read a value back. Raises NotFound."""
    for path in filter(Path.is_file, folder.glob(f"{name}.*")) if folder.is_dir() else ():
        if path.name == f"{name}.polars.parquet":
            import polars as pl

            return pl.read_parquet(path)
        if path.name == f"{name}.pandas.parquet":
            import pandas as pd

            return pd.read_parquet(path)
        if path.name == f"{name}.npy":
            import numpy as np

            return np.load(path, allow_pickle=False)
        if path.name == f"{name}.ubj":
            import xgboost

            booster = xgboost.Booster()
            booster.load_model(path)
            return booster
        if path.name == f"{name}.json":
            return json.loads(path.read_text())
    raise NotFound(
        f"There is no value of {name}.",
        f"The job left none in {folder}.",
        "A job leaves its `--out` names once it has succeeded.",
    )


def _json(name: str, kind: str, value: Any) -> str:
    try:
        text = json.dumps(value)
        same = json.loads(text) == value
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise Unprocessable(
            f"{name} cannot be passed: it is a {kind}.",
            "What can: frames of Polars and pandas, NumPy arrays, XGBoost boosters, and what JSON"
            " holds (numbers, text, lists, mappings).",
            "Write it to a file or a dataset, and pass its name.",
        )
    return text
