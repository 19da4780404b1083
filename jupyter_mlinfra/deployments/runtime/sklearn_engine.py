"""scikit-learn, and the scikit-learn classes of LightGBM and XGBoost: loaded without MLflow.

A model of numbers is asked with a matrix, which is faster, where it cannot tell it from a frame.
Its columns have one type, which the matrix has too; or their types differ, but it has no code of
its own and answers the same on its logged example. All others get a frame: a pipeline that picks
its columns by name, or one of mixed types that was logged without an example. The files may be
pickles: they are loaded in serving processes alone, and only if the project allows it (see
`trust`).
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .contract import Batch, Column, Contract, MatrixContract
from .engine import Packaged, named
from .missing_texts import missing_texts
from .table import DTYPES, TableContract, numpy_columns
from .values import NUMBERS

ENOUGH_ROWS = 5
"""Different rows of an example that show whether a matrix of mixed types serves."""

_LIBRARIES = ("sklearn", "lightgbm", "xgboost")


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
        dtype = _one_dtype(table.columns)
        self._dtype = dtype or np.float64
        self._takes_matrix = all(
            column.type in NUMBERS for column in table.columns
        ) and self._same_for_a_matrix(table, packaged.sample, is_one_type=dtype is not None)
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
            assert batch.matrix is not None
            return ask(batch.matrix.astype(self._dtype, copy=False))

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

    def _same_for_a_matrix(
        self, table: TableContract, sample: Mapping[str, Any], *, is_one_type: bool
    ) -> bool:
        rows = sample["ndarray"]
        if not is_one_type:
            is_made_up = sample.get("made_up") or len({*map(tuple, rows)}) < ENOUGH_ROWS
            # No example has all values that code may tell by their type, such as codes as texts.
            if is_made_up or _has_own_code(self._model):
                return False
        return self._same(table, rows)

    def _same(self, table: TableContract, rows: Sequence[Sequence[Any]]) -> bool:
        """Whether a matrix of these rows is answered as a frame is. Raises what the model raises
        for the frame.
        """
        batch = table.from_rows([list(row) for row in rows])
        matrix = MatrixContract(table.columns).from_rows([list(row) for row in rows]).matrix
        assert matrix is not None
        expected = named(self._ask(self._frame(batch)), self._names)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                found = named(self._ask(matrix.astype(self._dtype)), self._names)
        except Exception:  # noqa: BLE001 (it wants its columns by name, and says so in its own way)
            return False
        return all(_equal(expected[name], found[name]) for name in expected)


def _equal(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether they are the same but for the order of a sum: a frame lies in memory by column."""
    if left.dtype == right.dtype == np.float64 and left.shape == right.shape:
        return np.allclose(left, right, rtol=1e-9, atol=1e-12)
    return np.array_equal(left, right)


def _one_dtype(columns: Sequence[Column]) -> Any:
    """The type of all columns, which a frame of them has as a whole; None if there are several. A
    gap would make a float of a whole number or a truth value.
    """
    types = {column.type for column in columns}
    gaps = any(column.optional and column.type not in ("double", "float") for column in columns)
    return DTYPES.get(types.pop()) if len(types) == 1 and not gaps else None


def _has_own_code(model: Any) -> bool:
    """Whether a part of a model is a function or a class of its author's, not of a library that
    takes numbers of any type alike.
    """
    if not hasattr(model, "get_params"):
        return True
    parts = [model, *model.get_params(deep=True).values()]
    kinds = {type(part) for part in parts if hasattr(part, "fit")}
    return any(map(_is_function, parts)) or any(
        kind.__module__.partition(".")[0] not in _LIBRARIES for kind in kinds
    )


def _is_function(part: Any) -> bool:
    return callable(part) and not isinstance(part, type)


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
