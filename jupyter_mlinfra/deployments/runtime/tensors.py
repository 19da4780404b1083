"""Models that take tensors: one without a name, or several named ones of any shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .contract import Batch, Column, Contract
from .refusal import RequestRefused, is_shape, kind, listed, show

_EXACT = (-(2**53), 2**53)
"""Whole numbers that a float holds exactly."""

LOGGED_VALUES = 64
"""A row of at most so many numbers is logged in full, a larger one by mean, deviation and range."""


class TensorContract(Contract):
    """Tensors by name. The first axis counts the rows of the request, the others are those of the
    signature; -1 stands for any size.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._by_name = {column.name: column for column in columns}

    @property
    def logged_names(self) -> list[str]:
        """Names of the columns in the payload log."""
        return [name for column in self.columns for name in _logged_names(column)]

    def from_rows(self, rows: Any, names: Any = None) -> Batch:  # noqa: ARG002 (places have no names)
        """The one tensor of the model as a nested list."""
        return self._batch({self._only().name: self._nested(self._only(), rows)})

    def from_flat(self, shape: Any, values: Any, names: Any = None) -> Batch:  # noqa: ARG002
        """The one tensor of the model as a flat list with its shape."""
        return self.from_columns({self._only().name: (shape, values)})

    def from_json(self, value: Any) -> Batch:
        """Nested lists by name."""
        if not isinstance(value, dict):
            raise RequestRefused(
                '"jsonData" is not an object.', f"It is {kind(value)}.", "Name the inputs in it."
            )
        self._check_names(list(value))
        return self._batch(
            {name: self._nested(self._by_name[name], value[name]) for name in self.names}
        )

    def from_columns(self, columns: Mapping[str, tuple[Sequence[int], Any]]) -> Batch:
        """See `Contract`. A single input may have any name if the model has one input too."""
        if len(columns) == len(self.columns) == 1:
            columns = {self.columns[0].name: next(iter(columns.values()))}
        self._check_names(list(columns))
        return self._batch(
            {name: self._shaped(self._by_name[name], *columns[name]) for name in self.names}
        )

    def _only(self) -> Column:
        if len(self.columns) > 1:
            raise RequestRefused(
                "The model has several inputs.",
                f"They are {listed(self.names)}.",
                'Send them by name: {"jsonData": {"name": [[…]]}}, or one input each.',
            )
        return self.columns[0]

    def _check_names(self, names: Sequence[str]) -> None:
        if set(names) != set(self.names):
            raise RequestRefused(
                "The inputs do not fit.",
                f"The request has {listed(names)}.",
                f"The model takes {listed(self.names)}.",
            )

    def _nested(self, column: Column, value: Any) -> np.ndarray:
        if not isinstance(value, list) or not value:
            raise RequestRefused(
                "The batch is empty." if value == [] else f"{column.name} is not a list.",
                f"It is {kind(value)}." if value != [] else "",
                "Send at least one row.",
            )
        try:
            found = np.array(value, dtype=object if _is_text(column) else None)
        except ValueError:
            raise RequestRefused(
                f"{column.name} is not a tensor.", "Its rows have different lengths.", ""
            ) from None
        return _typed(column, found, found.ravel())

    def _shaped(self, column: Column, shape: Any, values: Any) -> np.ndarray:
        if not is_shape(shape):
            raise RequestRefused(
                f"{column.name} has no usable shape.", f"{show(shape)} is not a list of sizes."
            )
        if not isinstance(values, list | np.ndarray):
            raise RequestRefused(f"{column.name} has no values.", f"They are {kind(values)}.")
        if isinstance(values, list) and values and isinstance(values[0], list):
            values = _flattened(values)
        if math.prod(shape) != len(values):
            raise RequestRefused(
                f"{column.name} does not fit its shape.",
                f"{math.prod(shape)} values were announced, {len(values)} came.",
            )
        flat = values if isinstance(values, np.ndarray) else _flat(column, values)
        return _typed(column, flat.reshape(shape), flat)

    def _batch(self, tensors: Mapping[str, np.ndarray]) -> Batch:
        for name, tensor in tensors.items():
            _check_shape(self._by_name[name], tensor)
        sizes = {len(tensor) for tensor in tensors.values()}
        if len(sizes) > 1:
            raise RequestRefused(
                "The inputs have different numbers of rows.",
                f"They have {listed([str(size) for size in sorted(sizes)])}.",
            )
        size = sizes.pop()
        if not size:
            raise RequestRefused("The batch is empty.", "It has no row.", "Send at least one row.")
        parts = [_logged(column, tensors[column.name]) for column in self.columns]
        logged = [[value for part in parts for value in part[number]] for number in range(size)]
        return Batch(size, tensors=tensors, logged=logged)


def _is_text(column: Column) -> bool:
    return str(column.spec.get("dtype")) in ("str", "object", "bytes")


def _flat(column: Column, values: list[Any]) -> np.ndarray:
    if _is_text(column):
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found
    return np.array(values)


def _flattened(values: list[Any]) -> list[Any]:
    while values and isinstance(values[0], list):
        if not all(isinstance(part, list) for part in values):
            raise RequestRefused("The values are not a tensor.", "Their depths differ.")
        values = [item for part in values for item in part]
    return values


def _typed(column: Column, tensor: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The tensor with the type of the signature. Raises RequestRefused for other values."""
    dtype = str(column.spec.get("dtype", "float64"))
    if _is_text(column):
        wrong = next((value for value in flat.tolist() if not isinstance(value, str)), None)
        if wrong is not None:
            raise _wrong(column, wrong, "a text")
        return tensor
    if tensor.dtype.kind not in "biuf":
        wrong = next(
            (value for value in flat.tolist() if type(value) not in (bool, int, float)), None
        )
        raise _wrong(column, wrong, "a number")
    if dtype.startswith(("int", "uint")):
        bounds = np.iinfo(dtype)
        # As floats: the largest numbers of 64 bits would wrap around.
        exact = tensor if tensor.dtype.kind in "iu" else tensor.astype(np.float64)
        least, most = (bounds.min, bounds.max) if tensor.dtype.kind in "iu" else _EXACT
        bad = (exact < max(least, bounds.min)) | (exact > min(most, bounds.max))
        bad |= exact != np.floor(exact)
        if bad.any():
            raise _wrong(column, tensor[bad].ravel()[0].item(), f"a number of type {dtype}")
    elif dtype == "bool" and tensor.dtype.kind != "b" and not np.isin(tensor, (0, 1)).all():
        raise _wrong(column, flat[0].item(), "true or false")
    with np.errstate(over="ignore"):
        found = tensor.astype(dtype)
    if found.dtype.kind == "f" and (np.isinf(found) & np.isfinite(tensor)).any():
        raise RequestRefused(
            f"{column.name} has a number that is too large.", f"It does not fit {dtype}."
        )
    return found


def _wrong(column: Column, value: Any, expected: str) -> RequestRefused:
    return RequestRefused(
        f"{column.name} has a value of a wrong type.",
        f"{show(value)} is not {expected}.",
        f"Send {expected}.",
    )


def _check_shape(column: Column, tensor: np.ndarray) -> None:
    expected = list(column.spec.get("shape", [-1]))
    fits = len(expected) == tensor.ndim and all(
        size in (-1, found) and found
        for size, found in zip(expected[1:], tensor.shape[1:], strict=True)
    )
    if not fits:
        raise RequestRefused(
            f"{column.name} has a wrong shape.",
            f"It is {list(tensor.shape)}; the model takes {expected}.",
            f"Send {expected}, where -1 stands for any size.",
        )


def _row_values(column: Column) -> int | None:
    """How many values a row has; None if that is not fixed."""
    sizes = list(column.spec.get("shape", [-1]))[1:]
    return None if any(size < 0 for size in sizes) else math.prod(sizes)


def _logged_names(column: Column) -> list[str]:
    values = _row_values(column)
    if _is_text(column) or values == 1:
        return [column.name]
    if values is not None and values <= LOGGED_VALUES:
        return [f"{column.name}.{place}" for place in range(values)]
    return [f"{column.name}.{part}" for part in ("mean", "std", "min", "max")]


def _logged(column: Column, tensor: np.ndarray) -> list[list[Any]]:
    """One list per row, as many values as `_logged_names` has names."""
    rows = tensor.reshape(len(tensor), -1)
    if _is_text(column):
        return [[", ".join(str(value) for value in row)[:4096]] for row in rows.tolist()]
    values = _row_values(column)
    if values is not None and values <= LOGGED_VALUES:
        return [[_finite(value) for value in row] for row in rows.astype(np.float64).tolist()]
    numbers = rows.astype(np.float64)
    parts = (numbers.mean(1), numbers.std(1), numbers.min(1), numbers.max(1))
    return [
        [_finite(value) for value in row]
        for row in zip(*(part.tolist() for part in parts), strict=True)
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
