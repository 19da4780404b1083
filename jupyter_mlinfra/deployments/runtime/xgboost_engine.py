"""XGBoost: rows in place, without pandas and without XGBoost's scikit-learn classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost

from .categories import with_categories
from .contract import Batch, Column, MatrixContract
from .contributions import Contributions, exact
from .engine import Packaged
from .xgboost_answers import predictor, rounds_of


class XGBoostEngine:
    """A booster, with what its own `predict` or `predict_proba` would do to its scores."""

    def __init__(self, packaged: Packaged) -> None:
        booster = xgboost.Booster(model_file=str(packaged.file))
        # One thread per request: the server's threads are the parallelism, and a pool of OpenMP
        # threads would not survive the fork.
        booster.set_param({"nthread": 1})
        columns = with_categories(_in_model_order(list(packaged.columns), booster), booster)
        # Names are checked by the contract; XGBoost would check them again.
        booster.feature_names = booster.feature_types = None
        self.contract = MatrixContract(columns)
        self._predict = predictor(booster, packaged.model_class, packaged.answers)
        self._booster, self._rounds = booster, rounds_of(booster, packaged.model_class)
        names = packaged.output_names
        self._output = names[0] if len(names) == 1 else "predict"

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        assert batch.matrix is not None
        return {self._output: self._predict(batch.matrix)}

    def contributions(self, batch: Batch) -> Contributions | None:
        """XGBoost's own, exact for trees: they add up to the raw margin. None for trees that answer
        several values at once, for which XGBoost has none.
        """
        assert batch.matrix is not None
        data = xgboost.DMatrix(batch.matrix, nthread=1)
        asked: dict[str, Any] = {
            "iteration_range": self._rounds,
            "validate_features": False,
            "strict_shape": True,
        }
        try:
            parts = self._booster.predict(data, pred_contribs=True, **asked)
        except xgboost.core.XGBoostError:
            return None
        margins = self._booster.predict(data, output_margin=True, **asked)
        return exact("XGBoost's pred_contribs", parts, margins)


def load(packaged: Packaged) -> XGBoostEngine:
    """See `engine.load`."""
    return XGBoostEngine(packaged)


def _in_model_order(columns: list[Column], booster: xgboost.Booster) -> Sequence[Column]:
    """The signature's columns in the order of the booster: an array has no names."""
    names = booster.feature_names
    if names is None or names == [column.name for column in columns]:
        return columns
    by_name = {column.name: column for column in columns}
    if set(names) == set(by_name):
        return [by_name[name] for name in names]
    if len(names) == len(columns) and list(by_name) == [
        f"f{number}" for number in range(len(columns))
    ]:
        # A signature without names.
        return [replace(column, name=name) for column, name in zip(columns, names, strict=True)]
    raise RuntimeError(
        f"Signature and model disagree on the inputs: {sorted(set(names) ^ set(by_name))[:5]}."
    )
