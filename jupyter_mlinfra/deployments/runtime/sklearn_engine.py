"""scikit-learn, and the scikit-learn classes of LightGBM and XGBoost: loaded without MLflow.

A model of numbers is asked with a matrix if it answers the same for the sample rows as it does for
a frame; a pipeline that picks its columns by name gets a frame. The files may be pickles: they are
loaded in serving processes alone, and only if the project allows it (see `trust`).
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .contract import Batch, Contract, MatrixContract
from .engine import Packaged, named
from .missing_texts import missing_texts
from .table import TableContract, numpy_columns
from .values import NUMBERS


class SklearnEngine:
    """An estimator or a pipeline."""

    def __init__(self, packaged: Packaged) -> None:
        model = _read(packaged)
        self._ask = _question(model, packaged.answers)
        self._model = model
        self._names = list(packaged.output_names)
        classes = getattr(model, "classes_", None)
        self.classes = [] if classes is None or np.ndim(classes) != 1 else [*map(str, classes)]
        table = TableContract(packaged.columns)
        self._columns = table.columns
        texts = [column.name for column in table.columns if column.type == "string"]
        self._missing = missing_texts(model, texts)
        self._takes_matrix = all(column.type in NUMBERS for column in table.columns) and (
            self._same_for_a_matrix(table, packaged.sample["ndarray"])
        )
        self.contract: Contract = MatrixContract(packaged.columns) if self._takes_matrix else table

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        return named(self._answer(self._ask, batch), self._names)

    def scores(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """What is explained: the probability of each class if the model has them, else its
        answers.
        """
        probabilities = getattr(self._model, "predict_proba", None)
        if probabilities is None or not self.classes:
            return self.predict(batch)
        found = np.asarray(self._answer(probabilities, batch))
        return {name: found[:, place] for place, name in enumerate(self.classes)}

    def _answer(self, ask: Callable[[Any], Any], batch: Batch) -> Any:
        if not self._takes_matrix:
            return ask(self._frame(batch))
        with warnings.catch_warnings():
            # It was trained with names; the contract has put the columns into that order.
            warnings.simplefilter("ignore", UserWarning)
            return ask(batch.matrix)

    def _frame(self, batch: Batch) -> Any:
        import pandas as pd

        columns: dict[str, Any] = numpy_columns(batch, self._columns)
        for name, missing in self._missing.items():
            if missing is None:
                # As objects: pandas 3 would make texts of them, and NaN of None.
                columns[name] = pd.Series(columns[name], dtype=object, copy=False)
            else:
                columns[name][[value is None for value in columns[name]]] = missing
        return pd.DataFrame(columns, copy=False)

    def _same_for_a_matrix(self, table: TableContract, rows: list[list[Any]]) -> bool:
        batch = table.from_rows([list(row) for row in rows])
        matrix = np.array(rows, dtype=np.float64)
        expected = named(self._ask(self._frame(batch)), self._names)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                found = named(self._ask(matrix), self._names)
        except Exception:  # noqa: BLE001 (it wants its columns by name, and says so in its own way)
            return False
        return all(np.array_equal(expected[name], found[name]) for name in expected)


def load(packaged: Packaged) -> SklearnEngine:
    """See `engine.load`."""
    return SklearnEngine(packaged)


def _question(model: Any, answers: str) -> Callable[[Any], Any]:
    asked: Callable[[Any], Any] = (
        model.predict_proba if answers == "probabilities" else model.predict
    )
    return asked


def _read(packaged: Packaged) -> Any:
    flavors = packaged.document["flavors"]
    flavor = next(flavors[name] for name in ("sklearn", "lightgbm", "xgboost") if name in flavors)
    if packaged.file.suffix == ".skops":
        import skops.io

        # Types that its author named when it was logged; others are refused by skops.
        return skops.io.load(packaged.file, trusted=list(flavor.get("skops_trusted_types") or []))
    if str(flavor.get("serialization_format", "cloudpickle")) == "cloudpickle":
        import cloudpickle

        reader: Any = cloudpickle
    else:
        reader = pickle
    with packaged.file.open("rb") as file:
        return reader.load(file)
