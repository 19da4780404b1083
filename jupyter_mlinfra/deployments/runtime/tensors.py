"""Models that take tensors: one without a name, or several named ones of any shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .contract import Batch, Column, Contract, decoded, with_none
from .nested import flattened
from .refusal import RequestRefused, is_shape, kind, listed, show
from .table import LOGGED_TEXT
from .values import EXPECTED, as_text, content

_EXACT = 2**53
"""Up to here a double holds every whole number."""

PADDED_BYTES = 256 << 20
"""Of a tensor of texts or bytes: NumPy makes each of its values as long as the longest."""

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
        return self._shaped(column, *flattened(column.name, value))

    def _shaped(self, column: Column, shape: Any, values: Any) -> np.ndarray:
        if not is_shape(shape):
            raise RequestRefused(
                f"{column.name} has no usable shape.", f"{show(shape)} is not a list of sizes."
            )
        if not isinstance(values, list | np.ndarray):
            raise RequestRefused(f"{column.name} has no values.", f"They are {kind(values)}.")
        if isinstance(values, list):
            values = flattened(column.name, values)[1]
        if math.prod(shape) != len(values):
            raise RequestRefused(
                f"{column.name} does not fit its shape.",
                f"{math.prod(shape)} values were announced, {len(values)} came.",
            )
        _check_shape(column, shape)
        return _typed(column, values).reshape(shape)

    def _batch(self, tensors: Mapping[str, np.ndarray]) -> Batch:
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
        return Batch(size, tensors=tensors, logged=_beside(parts))


def _is_text(column: Column) -> bool:
    return str(column.spec.get("dtype")) in ("str", "object", "bytes")


def _typed(column: Column, values: list[Any] | np.ndarray) -> np.ndarray:
    """Flat values in the type of the signature. Raises RequestRefused for other ones."""
    if _is_text(column):
        return _texts(column, values if isinstance(values, list) else values.tolist())
    dtype = np.dtype(str(column.spec.get("dtype", "float64")))
    return _cast(
        column, _array(column, values, dtype) if isinstance(values, list) else values, dtype
    )


def _texts(column: Column, values: list[Any]) -> np.ndarray:
    wrong = next((value for value in values if not isinstance(value, str | bytes)), None)
    if wrong is not None or None in values:
        raise _wrong(column, wrong, "a text")
    dtype = str(column.spec["dtype"])
    if dtype == "bytes":
        return _padded(column, [_content(column, value) for value in values], np.bytes_)
    texts = decoded(column.name, values)
    if dtype == "str":
        return _padded(column, texts, np.str_)
    found = np.empty(len(values), dtype=object)
    found[:] = texts
    return found


def _padded(
    column: Column, values: Sequence[str] | Sequence[bytes], dtype: type[np.str_ | np.bytes_]
) -> np.ndarray:
    """Values in NumPy's own type of texts or bytes. Raises RequestRefused with 413 if they would
    take too much memory, and for a text that would lose its end.
    """
    lengths = [len(value) for value in values]
    each = max(lengths, default=0) * np.dtype((dtype, 1)).itemsize
    if each * len(values) > PADDED_BYTES:
        raise RequestRefused(
            f"{column.name} takes too much memory.",
            f"Each of its {len(values)} values is made as long as the longest, {max(lengths)}: more"
            f" than {PADDED_BYTES >> 20} MiB together.",
            "Send long values in a request of their own.",
            status=413,
        )
    cut = next((value for value in values if isinstance(value, str) and value[-1:] == "\0"), None)
    if cut is not None:
        raise RequestRefused(
            f"{column.name} has a value of a wrong type.",
            f"{show(cut)}: a text of a tensor cannot end with a zero character.",
            "Leave the zero character out.",
        )
    return np.array(values, dtype=dtype)


def _content(column: Column, value: str | bytes) -> bytes:
    """The bytes of a value, base64 in JSON. NumPy's own type of bytes forgets zeros at the end."""
    try:
        found = content(value)
        if found.endswith(b"\0"):
            raise ValueError("bytes of a tensor cannot end with a zero")
    except ValueError as error:
        raise RequestRefused(
            f"{column.name} has a value of a wrong type.",
            f"{show(value)}: {error}.",
            f"Send {EXPECTED['binary']}, or as they are in the binary form.",
        ) from None
    return found


def _array(column: Column, values: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    """What JSON has for numbers of this type: null for a missing one if they are floats, whole
    numbers without loss, and true or false only for a type of that name.
    """
    taken: set[type] = {int, float, {"f": type(None), "b": bool}.get(dtype.kind, int)}
    types = set(map(type, values))
    if not types <= taken:
        wrong = next(value for value in values if type(value) not in taken)
        raise _wrong(column, wrong, _expected(dtype))
    if dtype.kind not in "iu":
        return np.array(values, dtype=bool if types == {bool} else np.float64)
    if float in types:
        values = [_whole(column, value, dtype) for value in values]
    bounds = np.iinfo(dtype)
    if values and not bounds.min <= min(values) <= max(values) <= bounds.max:
        wrong = next(value for value in values if not bounds.min <= value <= bounds.max)
        raise _wrong(column, wrong, _expected(dtype))
    return np.array(values, dtype=dtype)


def _whole(column: Column, value: float, dtype: np.dtype[Any]) -> int:
    if isinstance(value, float) and not (value.is_integer() and abs(value) <= _EXACT):
        raise _wrong(column, value, _expected(dtype))
    return int(value)


def _cast(column: Column, values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Numbers in another type of number. Raises RequestRefused for those that it does not hold."""
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if values.dtype.kind == "f":  # NaN is in no range
            low, high = max(-_EXACT, bounds.min), min(_EXACT, bounds.max)
            wide = values.astype(np.float64)  # NumPy would round the bounds to the type of values
            fits = (wide == np.floor(wide)) & (wide >= low) & (wide <= high)
        elif values.dtype.kind in "iu":
            own = np.iinfo(values.dtype)
            low, high = max(own.min, bounds.min), min(own.max, bounds.max)
            fits = (values >= low) & (values <= high)
        else:
            fits = np.zeros(values.shape, dtype=bool)
    elif dtype.kind == "b":
        fits = (values == 0) | (values == 1)
    else:
        fits = np.full(values.shape, values.dtype.kind != "b")
    if not fits.all():
        raise _wrong(column, values[~fits][0].item(), _expected(dtype))
    with np.errstate(over="ignore"):
        found = values.astype(dtype)
    if found.dtype.kind == "f" and (np.isinf(found) & np.isfinite(values)).any():
        raise RequestRefused(
            f"{column.name} has a number that is too large.",
            f"It does not fit {dtype}.",
            f"Send numbers up to {np.finfo(dtype).max:g}.",
        )
    return found


def _expected(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        return f"a whole number from {bounds.min} to {bounds.max}"
    return "true or false" if dtype.kind == "b" else "a number"


def _wrong(column: Column, value: Any, expected: str) -> RequestRefused:
    return RequestRefused(
        f"{column.name} has a value of a wrong type.",
        f"{show(value)} is not {expected}.{_reason(value, expected)}",
        f"Send {expected}.",
    )


def _reason(value: Any, expected: str) -> str:
    """What else is to be said of a value."""
    if value is None or value != value:
        return "" if expected == "a text" else " Only floats can be missing."
    if isinstance(value, float) and abs(value) > _EXACT and value.is_integer():
        return " Beyond 64 bits, or with a point, it is read as a float: exact up to 2^53."
    return ""


def _check_shape(column: Column, shape: Sequence[int]) -> None:
    expected = list(column.spec.get("shape", [-1]))
    fits = len(expected) == len(shape) and all(
        size in (-1, found) and found for size, found in zip(expected[1:], shape[1:], strict=True)
    )
    if not fits:
        raise RequestRefused(
            f"{column.name} has a wrong shape.",
            f"It is {list(shape)}; the model takes {expected}.",
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


def _logged(column: Column, tensor: np.ndarray) -> np.ndarray:
    """One row per row, as many values as `_logged_names` has names: float64, or texts."""
    rows = tensor.reshape(len(tensor), -1)
    if _is_text(column):
        texts = [", ".join(as_text(value, LOGGED_TEXT) for value in row) for row in rows.tolist()]
        return np.array([[text[:LOGGED_TEXT]] for text in texts], dtype=object)
    values, numbers = _row_values(column), rows.astype(np.float64)
    if values is not None and values <= LOGGED_VALUES:
        return numbers
    parts = (numbers.mean(1), numbers.std(1), numbers.min(1), numbers.max(1))
    return np.stack(parts, axis=1)


def _beside(parts: Sequence[np.ndarray]) -> np.ndarray | list[list[Any]]:
    """Numbers stay an array, which the log writes in a tenth of the time of lists."""
    if all(part.dtype.kind == "f" for part in parts):
        return parts[0] if len(parts) == 1 else np.hstack(parts)
    lists = [with_none(part) if part.dtype.kind == "f" else part.tolist() for part in parts]
    return [[value for part in row for value in part] for row in zip(*lists, strict=True)]
