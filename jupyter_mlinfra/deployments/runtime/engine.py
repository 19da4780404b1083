"""What loads a model and answers a batch: one engine per library, chosen by the packaging.

Only the engine of the bundle is imported, so that a process has the memory of one library.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .contract import Batch, Column, Contract
from .params import Param
from .tensors import TensorContract
from .values import PANDAS_MISSING

ENGINES = {
    "xgboost": "xgboost_engine",
    "lightgbm": "lightgbm_engine",
    "sklearn": "sklearn_engine",
    "onnx": "onnx_engine",
    "torch": "torch_engine",
    "pyfunc": "pyfunc_engine",
}


class Engine(Protocol):
    """A loaded model. contract: of the inputs that it takes, in its own order.

    An engine may also have `contributions(batch)`, exact ones of its own library, or
    `scores(batch)`, the numbers that are explained instead of its answers; see `contributions`. And
    `classes`, the names of a classifier's classes, in the order of its probabilities; and `owner`,
    an object of the model's own that may have Seldon's `tags` and `metrics` (see `custom`).
    """

    contract: Contract

    def predict(self, batch: Any) -> Mapping[str, np.ndarray]:
        """Outputs by name, the first axis counts the rows. Called by many threads."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """What the packaging wrote down about a model. folder: of the MLflow model. document: the parts
    of its MLmodel that load it. output_names: of the signature. rows_at_once: 1 for a model that
    takes no larger batch, else 0. params: those that a request may have.
    """

    folder: Path
    engine: str
    model_file: str
    model_class: str
    answers: str
    columns: Sequence[Column]
    layout: str
    output_names: Sequence[str]
    document: Mapping[str, Any]
    sample: Mapping[str, Any]
    rows_at_once: int = 0
    params: Sequence[Param] = ()

    @classmethod
    def of(cls, bundle: Path) -> Packaged:
        """Read `bundle.json`."""
        facts = json.loads((bundle / "bundle.json").read_text())
        columns = [
            Column(**{**item, "categories": tuple(item["categories"])}) for item in facts["columns"]
        ]
        return cls(
            folder=bundle / "model",
            engine=facts["engine"],
            model_file=facts["model_file"],
            model_class=facts["model_class"],
            answers=facts["answers"],
            columns=columns,
            layout=facts["layout"],
            output_names=facts["output_names"],
            document=facts["document"],
            sample=facts["sample"],
            rows_at_once=facts.get("export", {}).get("rows_at_once", 0),
            params=[Param(**item) for item in facts.get("params", ())],
        )

    @property
    def file(self) -> Path:
        """The model's own file or folder."""
        return self.folder / self.model_file


def check_files(bundle: Path) -> None:
    """Raise RuntimeError if a file of the model is not the one that was packaged."""
    for name, digest in json.loads((bundle / "bundle.json").read_text())["files"].items():
        with (bundle / "model" / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise RuntimeError(f"{name} is not the file that was packaged.")


def sample_batch(engine: Engine, packaged: Packaged) -> Batch:
    """The sample rows as the model takes them. Raises RequestRefused if it does not take them."""
    sample, contract = packaged.sample, engine.contract
    if "jsonData" in sample and isinstance(contract, TensorContract):
        return contract.from_json(sample["jsonData"])
    return contract.from_rows([list(row) for row in sample["ndarray"]], sample["names"])


def load(packaged: Packaged) -> Engine:
    """Load a model. Code that was logged with it is made importable first. Raises what its library
    raises.
    """
    add_code_paths(packaged)
    module = import_module(f".{ENGINES[packaged.engine]}", __package__)
    engine: Engine = module.load(packaged)
    return engine


def add_code_paths(packaged: Packaged) -> None:
    """Make the code that was logged with a model importable. Raises RuntimeError for a path outside
    of its folder.
    """
    flavors = packaged.document.get("flavors", {})
    code = flavors.get("python_function", {}).get("code")
    if code:
        folder = (packaged.folder / str(code)).resolve()
        if not folder.is_relative_to(packaged.folder.resolve()):
            raise RuntimeError(f"The model's code is outside of its folder: {code}")
        sys.path[:0] = [
            str(folder),
            *(str(item) for item in sorted(folder.iterdir()) if item.is_dir()),
        ]


def in_parts(
    ask: Callable[[Batch], Mapping[str, np.ndarray]], batch: Batch, rows_at_once: int
) -> Mapping[str, np.ndarray]:
    """The answer to a batch, asked whole (0) or one row at a time (1)."""
    if not rows_at_once or batch.size == 1:
        return ask(batch)
    parts = [ask(_row(batch, number)) for number in range(batch.size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _row(batch: Batch, number: int) -> Batch:
    cut = slice(number, number + 1)
    if batch.matrix is not None:
        return Batch(1, matrix=batch.matrix[cut])
    assert batch.tensors is not None
    return Batch(1, tensors={name: tensor[cut] for name, tensor in batch.tensors.items()})


def named(values: Any, output_names: Sequence[str]) -> dict[str, np.ndarray]:
    """The outputs of a model by name, whatever container it has put them in: an array, a list, a
    mapping, a frame or a series. Raises TypeError for anything else.

    output_names: of the signature; a single output without a name is called `predict`.
    """
    if isinstance(values, Mapping):
        return {str(name): _array(value) for name, value in values.items()}
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        return {str(name): _array(values[name]) for name in values.columns}
    if isinstance(values, tuple) and len(values) == len(output_names) > 1:
        return {name: _array(value) for name, value in zip(output_names, values, strict=True)}
    if isinstance(values, list) and values and all(isinstance(item, Mapping) for item in values):
        names = dict.fromkeys(str(name) for item in values for name in item)
        return {name: _array([item.get(name) for item in values]) for name in names}
    array = _array(values)
    return {output_names[0] if len(output_names) == 1 else "predict": array}


def _array(values: Any) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    elif hasattr(values, "toarray"):  # a sparse matrix of SciPy
        values = values.toarray()
    elif hasattr(values, "to_numpy"):
        values = _of_pandas(values)
    try:
        found = np.asarray(values)
    except ValueError:  # lists of different lengths
        found = np.empty(len(values), dtype=object)
        found[:] = values
    if found.dtype.kind in "biuf":
        return found
    if found.dtype.kind in "US":
        # NumPy's own types make texts of numbers beside texts, and forget zeros of bytes.
        return np.array(values, dtype=object)
    if found.dtype.kind == "M":
        texts = np.datetime_as_string(found, unit="auto").astype(object)
        texts[np.isnat(found)] = None
        return texts
    if found.dtype.kind == "O" and found.ndim:
        return _objects(found)
    kind = type(values).__name__ if found.dtype.kind == "O" else found.dtype
    raise TypeError(f"The model's answer is of type {kind}, which no protocol can carry.")


def _of_pandas(values: Any) -> Any:
    """Numbers of pandas' nullable types as NumPy has them, missing ones as NaN."""
    dtype = getattr(values, "dtype", None)
    is_nullable = hasattr(dtype, "na_value") and getattr(dtype, "kind", "") in "iuf"
    if is_nullable and values.isna().any():
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy()


def _objects(found: np.ndarray) -> np.ndarray:
    """Decimal numbers as floats, and None for what is missing to pandas. Lists of objects are one
    value each, however many a row has: their number must not shape the answer.
    """
    values = found.ravel().tolist()
    kinds = set(map(type, values))
    if unfit := next((kind for kind in kinds if hasattr(kind, "toarray")), None):
        raise TypeError(f"The model's answer holds a {unfit.__name__}; stack them to one matrix.")
    if Decimal in kinds and kinds <= {Decimal, type(None)}:
        numbers = [np.nan if value is None else float(value) for value in values]
        return np.array(numbers).reshape(found.shape)
    if found.ndim > 1 and any(issubclass(kind, Mapping) for kind in kinds):
        return np.fromiter(found.tolist(), dtype=object, count=len(found))
    if any(kind.__name__ in PANDAS_MISSING for kind in kinds):
        plain = found.copy()
        plain.ravel()[:] = [
            None if type(value).__name__ in PANDAS_MISSING else value for value in values
        ]
        return plain
    return found


def one_thread() -> None:
    """Leave parallelism to the processes and threads that answer: a pool of OpenMP threads would
    not survive a fork, and its threads would compete.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
