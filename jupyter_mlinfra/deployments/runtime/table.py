"""Columns of any type of an MLflow signature: texts, dates, bytes and nested values beside numbers.

For models that take a data frame. The values stay Python's own until the engine makes its frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from .contract import Batch, Column, ColumnContract, flat_numbers
from .refusal import RequestRefused, show
from .values import (
    EXPECTED,
    LARGEST_SINGLE,
    NUMBERS,
    RANGE,
    as_text,
    content,
    moment,
    nested_fault,
    whole_fault,
)

_NESTED = ("array", "object", "map", "any")
LOGGED_TEXT = 4096
"""How many characters of a text, of bytes or of a nested value the payload log keeps."""


class TableContract(ColumnContract):
    """Columns of any type."""

    def from_columns(self, columns: Mapping[str, tuple[Sequence[int], Any]]) -> Batch:
        """See `Contract`. An array, object or map comes as JSON text, since a tensor has no such
        values.
        """
        nested = {column.name for column in self.columns if column.type in _NESTED}
        return super().from_columns(
            {
                name: (shape, _parsed(name, values)) if name in nested else (shape, values)
                for name, (shape, values) in columns.items()
            }
        )

    def from_rows(self, rows: Any, names: Any = None) -> Batch:
        """See `Contract`."""
        ordered = self._ordered(rows, names)
        by_column = list(zip(*ordered, strict=True))
        columns = {
            column.name: _values(column, list(values))
            for column, values in zip(self.columns, by_column, strict=True)
        }
        logged = [
            [
                _loggable(column, given, columns[column.name][number])
                for column, given in zip(self.columns, row, strict=True)
            ]
            for number, row in enumerate(ordered)
        ]
        return Batch(len(ordered), columns=columns, logged=logged)

    def from_flat(self, shape: Any, values: Any, names: Any = None) -> Batch:
        """See `Contract`."""
        if any(column.type not in NUMBERS for column in self.columns):
            raise RequestRefused(
                "This model cannot be asked with a tensor.",
                "It has inputs that are not numbers.",
                'Send the rows as "ndarray", or one input per column.',
            )
        rows = flat_numbers(shape, values).tolist()
        return self.from_rows(
            [[None if math.isnan(value) else value for value in row] for row in rows], names
        )


def _parsed(name: str, values: Any) -> list[Any]:
    try:
        return [
            orjson.loads(value) if isinstance(value, str | bytes) else value for value in values
        ]
    except orjson.JSONDecodeError as error:
        raise RequestRefused(
            f"Input {name[:80]} holds text that is not JSON.", f"{error}.", "Send JSON texts."
        ) from None


def _values(column: Column, values: list[Any]) -> Sequence[Any]:
    """The values of one column as Python has them. Raises RequestRefused."""
    if column.type == "string":
        return values
    for number, value in enumerate(values):
        if value is None:
            continue
        try:
            values[number] = _value(column, value)
        except (ValueError, OverflowError, RecursionError) as error:
            raise RequestRefused(
                f"Column {column.name} has a wrong value in row {number + 1}.",
                f"{show(value)}: {error}.",
                f"Send {EXPECTED[column.type]}.",
            ) from None
    return values


def _value(column: Column, value: Any) -> Any:
    """One value that is not missing. Raises ValueError with what is wrong."""
    if column.type in ("double", "float"):
        number = float(value)
        if column.type == "float" and abs(number) > LARGEST_SINGLE:
            raise ValueError("it does not fit a number of 32 bits")
        if not math.isfinite(number):
            raise ValueError("the model takes finite numbers")
        return number
    if column.type in RANGE:
        if fault := whole_fault(value, column.type):
            raise ValueError(f"it {fault}")
        return int(value)
    if column.type == "boolean":
        if value not in (0, 1):
            raise ValueError("it is neither true nor false")
        return bool(value)
    if column.type == "datetime":
        return moment(value)
    if column.type == "binary":
        return content(value)
    if column.type in _NESTED:
        fault = nested_fault(value, {"required": True, **column.spec, "type": column.type}, "it")
        if fault:
            raise ValueError(fault)
    return value


def _loggable(column: Column, value: Any, read: Any) -> Any:
    """The value as the payload log keeps it: a number, or a text. read: as it was understood."""
    if value is None or column.type in NUMBERS:
        return value
    if column.type == "datetime":
        return read.isoformat()
    if column.type == "binary":
        return as_text(read, LOGGED_TEXT)
    if column.type in _NESTED:
        try:
            value = orjson.dumps(value).decode()
        except TypeError:  # deeper than it can be written
            value = str(value)
    text = str(value)
    return text if len(text) <= LOGGED_TEXT else text[:LOGGED_TEXT]


def numpy_columns(batch: Batch, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """The columns of a batch as arrays of the types that MLflow's own check would give them."""
    assert batch.columns is not None
    return {column.name: _array(column, batch.columns[column.name]) for column in columns}


DTYPES = {
    "double": np.float64,
    "float": np.float32,
    "integer": np.int32,
    "long": np.int64,
    "boolean": np.bool_,
}
"""NumPy's types of the columns that are numbers."""


def _array(column: Column, values: Sequence[Any]) -> np.ndarray:
    if column.type == "datetime":
        return np.array(values, dtype="datetime64[ns]")
    dtype = DTYPES.get(column.type)
    if dtype is None:
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found
    if None in values:
        # As pandas does: a whole number or a truth value with gaps becomes a float.
        is_single = column.type == "float"
        return np.array(values, dtype=np.float32 if is_single else np.float64)
    return np.array(values, dtype=dtype)
