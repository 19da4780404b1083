"""Any other model: MLflow's own pyfunc, loaded and asked as MLflow does it.

The slowest engine, because MLflow checks the frame again, and the one that runs any code. It is
used where no other one knows the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .contract import Batch, Contract
from .engine import Packaged, named
from .refusal import RequestRefused
from .table import TableContract, numpy_columns
from .tensors import TensorContract


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
        if not batch.params:
            return named(self._model.predict(self._input(batch)), self._names)
        self._check(batch.params)
        answer = self._model.predict(self._input(batch), params=dict(batch.params))
        return named(answer, self._names)

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
        if not self._has_names:
            return list(next(iter(batch.columns.values())))
        import pandas as pd

        columns = numpy_columns(batch, self.contract.columns)
        # An optional column without any value is left out, as MLflow's check wants it.
        given = {
            column.name: columns[column.name]
            for column in self.contract.columns
            if not (column.optional and all(v is None for v in batch.columns[column.name]))
        }
        return pd.DataFrame(given or columns, copy=False)


def load(packaged: Packaged) -> PyfuncEngine:
    """See `engine.load`."""
    return PyfuncEngine(packaged)
