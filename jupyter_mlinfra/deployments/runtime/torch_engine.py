"""PyTorch: a module as `mlflow.pytorch` stored it, on the CPU and on one thread, without MLflow.

Both formats may run code when they are read: a pickle, and an exported program (`pt2`), whose
weights may be pickled. They are read in serving processes and in that of the export alone, and only
if the project allows it (see `trust`).
"""

from __future__ import annotations

import contextlib
import inspect
import pickle
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .contract import Batch, Contract, MatrixContract
from .engine import Packaged, in_parts
from .tensors import TensorContract

EXPORTED = ".pt2"
_PICKLES = ("pickle", "cloudpickle", "mlflow.pytorch.pickle_module")
"""Modules that MLflow notes for a pickle which Python's own `pickle` reads."""


class TorchEngine:
    """A module in eval mode. With a signature of columns it gets one matrix of float32, as MLflow's
    own pyfunc gives it; with tensors it gets them by name if its `forward` has these names, else in
    the order of the signature.
    """

    def __init__(self, packaged: Packaged) -> None:
        torch.set_num_threads(1)
        with contextlib.suppress(RuntimeError):  # it was set before
            torch.set_num_interop_threads(1)
        self.module = _read(packaged.file)
        self._by_name = packaged.file.suffix != EXPORTED and _takes_names(
            self.module, [column.name for column in packaged.columns]
        )
        self._names = list(packaged.output_names)
        self._flattens = packaged.layout != "tensors"
        self._rows_at_once = packaged.rows_at_once
        self.contract: Contract = (
            MatrixContract(packaged.columns) if self._flattens else TensorContract(packaged.columns)
        )

    def predict(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """See `Engine`."""
        return in_parts(self._answer, batch, self._rows_at_once)

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """What the module gets, by name in the order of the signature."""
        if batch.matrix is not None:
            return {"input": torch.from_numpy(batch.matrix.astype(np.float32))}
        assert batch.tensors is not None
        return {name: torch.from_numpy(tensor) for name, tensor in batch.tensors.items()}

    def ask(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs of the module by name."""
        answers = self.module(**inputs) if self._by_name else self.module(*inputs.values())
        return outputs_of(answers, self._names)

    def _answer(self, batch: Batch) -> Mapping[str, np.ndarray]:
        with torch.inference_mode():
            answers = self.ask(self.inputs(batch))
        found = {name: _array(tensor) for name, tensor in answers.items()}
        if not self._flattens:
            return found
        return {
            name: array.reshape(batch.size) if array.size == batch.size else array
            for name, array in found.items()
        }


def load(packaged: Packaged) -> TorchEngine:
    """See `engine.load`."""
    return TorchEngine(packaged)


def outputs_of(answers: Any, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """The tensors of an answer by name: a tensor, a mapping, a tuple or a list, also nested. Raises
    TypeError for anything else.

    names: of the signature's outputs. They name what has none, if their number fits; a single
    tensor is called `predict` otherwise, the parts of a tuple `output_0`, `output_1`, ….
    """
    if isinstance(answers, torch.Tensor):
        return {names[0] if len(names) == 1 else "predict": answers}
    found = dict(_leaves(answers, ""))
    if not found:
        raise TypeError("The module answers without a tensor.")
    is_named = isinstance(answers, Mapping) or hasattr(answers, "_fields")
    if not is_named and len(names) == len(found):
        return dict(zip(names, found.values(), strict=True))
    return found


def _leaves(value: Any, path: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, tuple | list):
        fields = getattr(value, "_fields", None) or [f"output_{n}" for n in range(len(value))]
        for name, item in zip(fields, value, strict=True):
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif value is not None:
        raise TypeError(f"The module answers with a {type(value).__name__}, which is no tensor.")


def _read(file: Path) -> Any:
    if file.suffix == EXPORTED:
        return torch.export.load(file).module()
    note = file.with_name("pickle_module_info.txt")
    name = note.read_text().strip() if note.is_file() else "pickle"
    module = torch.load(
        file,
        map_location="cpu",
        weights_only=False,
        pickle_module=pickle if name in _PICKLES else import_module(name),
    )
    return module.eval()


def _takes_names(module: Any, names: Sequence[str]) -> bool:
    """Whether `forward` has parameters of all these names. MLflow exports a program by position."""
    if isinstance(module, torch.fx.GraphModule):
        return False
    try:
        known = inspect.signature(module.forward).parameters
    except (TypeError, ValueError):  # TorchScript's may have none
        return False
    return len(names) > 1 and set(names) <= set(known)


def _array(tensor: torch.Tensor) -> np.ndarray:
    plain = tensor.detach().cpu()
    if plain.dtype == torch.bfloat16:  # NumPy has no such type
        plain = plain.float()
    array: np.ndarray = plain.numpy()
    return array
