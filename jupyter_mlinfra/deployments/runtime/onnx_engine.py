"""ONNX: onnxruntime on one thread, fed as MLflow's own pyfunc feeds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from .contract import Batch, Contract, MatrixContract
from .engine import Packaged, in_parts
from .table import TableContract, numpy_columns
from .tensors import TensorContract
from .values import NUMBERS

_OF_TYPE = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


class OnnxEngine:
    """A session. With a signature of columns and one model input the columns are a matrix; with
    several, each column is an input of its own.
    """

    def __init__(self, packaged: Packaged) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(packaged.file), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {item.name: item for item in self._session.get_inputs()}
        self._outputs = [item.name for item in self._session.get_outputs()]
        self._flattens = packaged.layout != "tensors"
        self._rows_at_once = packaged.rows_at_once
        self.contract: Contract = self._contract(packaged)

    def _contract(self, packaged: Packaged) -> Contract:
        if packaged.layout == "tensors":
            return TensorContract(packaged.columns)
        if len(self._inputs) == 1 and all(column.type in NUMBERS for column in packaged.columns):
            return MatrixContract(packaged.columns)
        return TableContract(packaged.columns)

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        return in_parts(self._answer, batch, self._rows_at_once)

    def _answer(self, batch: Batch) -> Mapping[str, np.ndarray]:
        results = self._session.run(self._outputs, self._feed(batch))
        outputs = {name: _array(item) for name, item in zip(self._outputs, results, strict=True)}
        if self._flattens:
            return {
                name: array.reshape(batch.size) if array.size == batch.size else array
                for name, array in outputs.items()
            }
        return outputs

    def _feed(self, batch: Batch) -> dict[str, np.ndarray]:
        if batch.matrix is not None:
            (name,) = self._inputs
            return {name: self._cast(name, batch.matrix)}
        if batch.tensors is not None:
            if len(self._inputs) == 1:
                (name,), (tensor,) = self._inputs, batch.tensors.values()
                return {name: self._cast(name, tensor)}
            return {name: self._cast(name, tensor) for name, tensor in batch.tensors.items()}
        columns = numpy_columns(batch, self.contract.columns)
        return {
            name: self._cast(name, _with_rank(columns[name], len(item.shape)))
            for name, item in self._inputs.items()
        }

    def _cast(self, name: str, values: np.ndarray) -> np.ndarray:
        dtype = _OF_TYPE.get(self._inputs[name].type)
        return values if dtype is None else values.astype(dtype, copy=False)


def load(packaged: Packaged) -> OnnxEngine:
    """See `engine.load`."""
    return OnnxEngine(packaged)


def _with_rank(values: np.ndarray, rank: int) -> np.ndarray:
    return values.reshape(-1, 1) if rank == 2 else values


def _array(item: Any) -> np.ndarray:
    """A tensor; the probabilities of a classifier may come as one mapping per row, in the order of
    the classes.
    """
    if isinstance(item, list):
        if item and isinstance(item[0], Mapping):
            return np.array([list(row.values()) for row in item])
        return np.asarray(item)
    return np.asarray(item)
