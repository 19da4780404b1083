"""Predicts how wrong a value will be: direct loss estimation (DLE) for regression.

Two small boosted models learn the absolute and the squared error of the model on labelled rows of
the reference, from the inputs and the answer; their means over a window estimate its MAE and MSE.
Source: NannyML, direct loss estimation, where the same is done with LightGBM. They are kept beside
the reference as XGBoost's own files, which run no code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import Unavailable
from ...core.files import write_atomic
from .answers import outputs_of
from .encoding import Levels, encoded, levels_of_inputs

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ROUNDS = 100
_PARAMETERS: Mapping[str, Any] = {
    "max_depth": 6,
    "eta": 0.1,
    "min_child_weight": 20,
    "objective": "reg:squarederror",
    "nthread": 1,
    "seed": 0,
}


@dataclass(frozen=True)
class ErrorModels:
    """The two models of one reference, loaded when they are used. path: of the reference."""

    path: Path

    def predicted(self, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The expected absolute and squared error of each logged row; none is below 0."""
        import numpy as np

        levels, absolute, squared = self._loaded
        matrix = _matrix(rows, levels)
        one, other = (
            np.maximum(model.inplace_predict(matrix), 0.0).astype(float)
            for model in (absolute, squared)
        )
        return one, other

    @cached_property
    def _loaded(self) -> tuple[Levels, Any, Any]:
        xgboost = _xgboost()
        levels = json.loads(_file(self.path, "levels.json").read_bytes())
        models = []
        for name in ("absolute", "squared"):
            model = xgboost.Booster({"nthread": 1})
            model.load_model(bytearray(_file(self.path, f"{name}.ubj").read_bytes()))
            models.append(model)
        return levels, models[0], models[1]


def of(path: Path) -> ErrorModels | None:
    """Those of a reference; None if it has none, or XGBoost is not installed."""
    if not _file(path, "levels.json").exists() or without_xgboost():
        return None
    return ErrorModels(path)


def without_xgboost() -> bool:
    """Whether XGBoost is not installed."""
    from importlib.util import find_spec

    return find_spec("xgboost") is None


def fit(path: Path, rows: pl.DataFrame, inputs: Sequence[str], labels: np.ndarray) -> None:
    """Learn the errors of labelled rows, and keep the models beside the reference.

    rows: the inputs, and the answers as `prediction`. labels: the true values. Raises Unavailable
    without XGBoost.
    """
    xgboost = _xgboost()
    levels = levels_of_inputs(rows, inputs)
    matrix = _matrix(rows, levels)
    wrong = labels - outputs_of(rows)[:, 0]
    for name, target in (("absolute", abs(wrong)), ("squared", wrong**2)):
        model = xgboost.train(
            dict(_PARAMETERS), xgboost.DMatrix(matrix, label=target, nthread=1), ROUNDS
        )
        write_atomic(_file(path, f"{name}.ubj"), bytes(model.save_raw("ubj")))
    write_atomic(_file(path, "levels.json"), json.dumps(levels).encode())


def _matrix(rows: pl.DataFrame, levels: Levels) -> np.ndarray:
    """The inputs and the answer as numbers."""
    import numpy as np

    return np.column_stack([encoded(rows, levels), outputs_of(rows)[:, 0]])


def _file(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}.{name}")


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise Unavailable(
            "The errors of values cannot be estimated.",
            "That needs XGBoost.",
            "pip install 'jupyter-mlinfra[xgboost]'",
        ) from error
    return xgboost
