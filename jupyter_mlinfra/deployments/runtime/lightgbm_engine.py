"""LightGBM: a booster from its text file, asked with rows of numbers, without pandas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import lightgbm
import numpy as np

from .contract import Batch, Column, MatrixContract
from .contributions import Contributions, exact
from .engine import Packaged


class LightGBMEngine:
    """A booster; the codes of its categories are those of the pandas frame it was trained with."""

    def __init__(self, packaged: Packaged) -> None:
        self._booster = lightgbm.Booster(model_file=str(packaged.file), params={"num_threads": 1})
        columns = _with_categories(list(packaged.columns), self._booster)
        self.contract = MatrixContract(columns)
        names = packaged.output_names
        self._output = names[0] if len(names) == 1 else "predict"

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        return {self._output: np.asarray(self._booster.predict(batch.matrix, num_threads=1))}

    def contributions(self, batch: Batch) -> Contributions | None:
        """LightGBM's own, exact: they add up to the raw score. None for linear trees, for which it
        has none.
        """
        try:
            parts = self._booster.predict(batch.matrix, pred_contrib=True, num_threads=1)
        except lightgbm.basic.LightGBMError:
            return None
        scores = np.asarray(self._booster.predict(batch.matrix, raw_score=True, num_threads=1))
        scores = scores.reshape(batch.size, -1)
        parts = np.asarray(parts).reshape(batch.size, scores.shape[1], -1)
        return exact("LightGBM's pred_contrib", parts, scores)


def load(packaged: Packaged) -> LightGBMEngine:
    """See `engine.load`."""
    return LightGBMEngine(packaged)


def _with_categories(columns: list[Column], booster: lightgbm.Booster) -> Sequence[Column]:
    """Each text column with its categories: LightGBM keeps one list per categorical column, in the
    order of the columns. Raises ValueError if they do not fit.
    """
    texts = [column for column in columns if column.type == "string"]
    known = booster.pandas_categorical or []
    if isinstance(known, str):
        known = json.loads(known)
    if len(known) != len(texts):
        raise ValueError(
            f"The signature has {len(texts)} texts, the model {len(known)} lists of categories."
        )
    lists = iter(known)
    return [
        replace(column, categories=tuple(str(item) for item in next(lists)))
        if column.type == "string"
        else column
        for column in columns
    ]
