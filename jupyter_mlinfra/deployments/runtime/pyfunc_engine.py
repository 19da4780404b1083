"""Any other model: MLflow's own pyfunc, loaded and asked as MLflow does it.

The slowest engine, because MLflow checks the frame again, and the one that runs any code. It is
used where no other one knows the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import by_row
from .contract import Batch, Column, Contract
from .engine import Packaged, named
from .refusal import RequestRefused
from .table import TableContract, numpy_columns
from .tensors import TensorContract
from .values import RANGE


class PyfuncEngine:
    """A pyfunc."""

    def __init__(self, packaged: Packaged) -> None:
        import mlflow.pyfunc

        self._model = mlflow.pyfunc.load_model(str(packaged.folder))
        own = self._model._model_impl
        self.owner = getattr(own, "python_model", own)
        self._names = list(packaged.output_names)
        self._has_names = packaged.layout != "unnamed"
        schema = self._model.metadata.get_input_schema()
        self._tensor_names = schema.has_input_names() if schema is not None else True
        self.contract: Contract = (
            TensorContract(packaged.columns)
            if packaged.layout == "tensors"
            else TableContract(packaged.columns)
        )

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        if batch.params:
            self._check(batch.params)
        if batch.columns is None or not self._has_names:
            return self._answer(self._input(batch), batch)
        parts = []
        for left_out, rows in _groups(batch.columns, self.contract.columns, batch.size):
            outputs = self._answer(self._frame(batch.columns, left_out, rows), batch)
            by_row.check(outputs, len(rows))
            parts.append((rows, outputs))
        return _joined(parts)

    def _answer(self, given: Any, batch: Batch) -> Mapping[str, np.ndarray]:
        params = {"params": dict(batch.params)} if batch.params else {}
        return named(self._model.predict(given, **params), self._names)

    def _check(self, params: Mapping[str, Any]) -> None:
        """MLflow's own check, so that what it refuses is no failure of the model. Raises
        RequestRefused.
        """
        from mlflow.exceptions import MlflowException

        for spec in self._model.metadata.get_params_schema():
            try:
                if spec.name in params:
                    spec.validate_param_spec(params[spec.name], spec)
            except MlflowException as error:
                raise RequestRefused(
                    f"Parameter {spec.name} does not fit the signature.", str(error)[:300]
                ) from None

    def _input(self, batch: Batch) -> Any:
        if batch.tensors is not None:
            if self._tensor_names:
                return dict(batch.tensors)
            return next(iter(batch.tensors.values()))
        assert batch.columns is not None
        return list(next(iter(batch.columns.values())))

    def _frame(
        self, values: Mapping[str, Sequence[Any]], left_out: Sequence[str], rows: Sequence[int]
    ) -> Any:
        """These rows without the columns that are left out. Raises RequestRefused if none is left:
        MLflow's frame would have no rows.
        """
        import pandas as pd

        columns = [column for column in self.contract.columns if column.name not in left_out]
        if not columns:
            raise RequestRefused(
                f"Row {rows[0] + 1} has no value.",
                "MLflow leaves out a column of whole numbers without any.",
                "Send at least one value.",
            )
        part = {column.name: [values[column.name][row] for row in rows] for column in columns}
        arrays = numpy_columns(Batch(len(rows), columns=part), columns)
        for column in columns:
            if column.type == "boolean" and None in part[column.name]:
                arrays[column.name] = np.array(part[column.name], dtype=object)
        return pd.DataFrame(arrays, copy=False)


def _groups(
    values: Mapping[str, Sequence[Any]], columns: Sequence[Column], size: int
) -> list[tuple[tuple[str, ...], list[int]]]:
    """Which columns are left out for which rows. MLflow's check takes no whole number that is
    missing, but a frame without the column; rows with a value in it are asked apart, so that no
    answer depends on the other rows.
    """
    gaps = [
        column.name
        for column in columns
        if column.type in RANGE and column.optional and None in values[column.name]
    ]
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(size):
        left_out = tuple(name for name in gaps if values[name][row] is None)
        groups.setdefault(left_out, []).append(row)
    return list(groups.items())


def _joined(
    parts: Sequence[tuple[Sequence[int], Mapping[str, np.ndarray]]],
) -> Mapping[str, np.ndarray]:
    """The answers to groups of rows in the order of the rows. Raises TypeError if they do not have
    the same outputs.
    """
    first = parts[0][1]
    if len(parts) == 1:
        return first
    if any(outputs.keys() != first.keys() for _, outputs in parts):
        raise TypeError("The model has other outputs for rows that lack a value.")
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return {name: np.concatenate([outputs[name] for _, outputs in parts])[order] for name in first}


def load(packaged: Packaged) -> PyfuncEngine:
    """See `engine.load`."""
    return PyfuncEngine(packaged)
