"""What a request must look like: the model's signature, checked on plain lists without pandas.

A contract knows nothing of protocols: `seldon_v1` and `open_inference` hand it rows or columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .refusal import RequestRefused, kind, listed, show
from .values import EXPECTED, FITS, LARGEST_SINGLE, RANGE, whole_fault


@dataclass(frozen=True, slots=True)
class Column:
    """One input. optional: the training data had missing values in it. categories: texts in the
    order of their codes. spec: of an array, object, map or tensor, its type in MLflow's signature.
    """

    name: str
    type: str
    optional: bool = False
    categories: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """A request of `size` rows that passed, in the form that the model's engine takes: one of the
    three is set.

    matrix: float64, one column per input in the model's order, missing values as NaN. columns: by
    name, values as Python has them, missing ones as None. tensors: by name, the first axis counts
    the rows. logged: rows for the payload log, where a number that is not finite is a missing one;
    None: those of the matrix. params: of the request, checked; the model has defaults for the
    others.
    """

    size: int
    matrix: np.ndarray | None = None
    columns: Mapping[str, Sequence[Any]] | None = None
    tensors: Mapping[str, np.ndarray] | None = None
    logged: Sequence[Sequence[Any]] | np.ndarray | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def logged_rows(self) -> list[list[Any]]:
        """`logged` as lists, missing values as None."""
        if not isinstance(self.logged, np.ndarray):
            return [list(row) for row in self.logged or ()]
        return with_none(self.logged)


class Contract(ABC):
    """The inputs of one model. columns: in the order of the model. Every method raises
    RequestRefused with what and why, and with fix where it is more than the form of a request.
    """

    columns: Sequence[Column]

    @property
    def names(self) -> list[str]:
        """Names of the inputs."""
        return [column.name for column in self.columns]

    @property
    def logged_columns(self) -> Sequence[Column]:
        """What the payload log keeps of a row."""
        return self.columns

    @abstractmethod
    def from_rows(self, rows: Any, names: Any = None) -> Batch:
        """Check a list of rows. names: of their values; None or empty: in the model's order."""

    @abstractmethod
    def from_flat(self, shape: Any, values: Any, names: Any = None) -> Batch:
        """Check a flat list, or array, of numbers and the shape that it has."""

    @abstractmethod
    def from_columns(self, columns: Mapping[str, tuple[Sequence[int], Any]]) -> Batch:
        """Check named inputs: a shape and a flat list, or array, each."""


class ColumnContract(Contract):
    """Named columns with one value per row each."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._names = [column.name for column in self.columns]
        self._positions = {name: position for position, name in enumerate(self._names)}
        # Types of rows that passed, because most requests look like the one before.
        self._passed_types: set[tuple[type, ...]] = set()

    @property
    def names(self) -> list[str]:
        """Names of the inputs."""
        return self._names

    def from_columns(self, columns: Mapping[str, tuple[Sequence[int], Any]]) -> Batch:
        """Columns of one value per row; a single input of two dimensions is a matrix by place."""
        if len(columns) == 1 and next(iter(columns)) not in self._positions:
            shape, values = next(iter(columns.values()))
            return self.from_flat(list(shape), values)
        size = {shape[0] if shape else 0 for shape, _ in columns.values()}
        for name, (shape, values) in columns.items():
            if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
                raise RequestRefused(
                    f"Input {name[:80]} has a wrong shape.",
                    f"It is {list(shape)}; a column has one value per row.",
                    "Send the shape [rows] or [rows, 1].",
                )
            if len(values) != shape[0]:
                raise RequestRefused(
                    f"Input {name[:80]} does not fit its shape.",
                    f"{shape[0]} values were announced, {len(values)} came.",
                )
        if len(size) > 1:
            raise RequestRefused(
                "The inputs have different numbers of rows.",
                f"They have {listed(sorted(map(str, size)))}.",
            )
        lists = [self._list(name, values) for name, (_, values) in columns.items()]
        return self.from_rows([list(row) for row in zip(*lists, strict=True)], list(columns))

    def _list(self, name: str, values: Any) -> list[Any]:
        """The values of an input as JSON would have them; bytes are texts unless the column is
        binary.
        """
        found, place = _plain(values), self._positions.get(name)
        is_binary = place is not None and self.columns[place].type == "binary"
        if is_binary or not found or type(found[0]) is not bytes:
            return found
        return decoded(name, found)

    def _ordered(self, rows: Any, names: Any) -> list[list[Any]]:
        """The rows with one value per input, in the model's order, each of a type that fits."""
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise RequestRefused(
                "The rows are not a list of rows.", "Each row is a list with one value per column."
            )
        if not rows:
            raise RequestRefused("The batch is empty.", "It has no row.", "Send at least one row.")
        width = len(rows[0])
        order = self._order(names, width)
        for number, row in enumerate(rows):
            if len(row) != width:
                why = f"It has {len(row)} values; row 1 has {width}."
                raise RequestRefused(
                    f"Row {number + 1} has another length.",
                    why,
                    "Give every row one value per column; null for a missing one.",
                )
        if order is not None:
            rows = [
                [None if position is None else row[position] for position in order] for row in rows
            ]
        for number, row in enumerate(rows):
            if tuple(map(type, row)) not in self._passed_types:
                self._check_types(row, number)
        return list(rows)

    def _order(self, names: Any, width: int) -> list[int | None] | None:
        """The position of each input in a row; None if the row has the model's order."""
        if not names:
            if width != len(self._names):
                why = f"A row has {width} values, the model takes {len(self._names)} columns."
                raise RequestRefused(
                    "The columns do not fit.", why, f'Name them in "names": {listed(self._names)}.'
                )
            return None
        if names == self._names:
            if width != len(names):
                raise RequestRefused(
                    "The rows do not fit the names.",
                    f"{len(names)} names, {width} values in a row.",
                )
            return None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise RequestRefused('"names" is not a list of texts.')
        if width != len(names):
            raise RequestRefused(
                "The rows do not fit the names.", f"{len(names)} names, {width} values in a row."
            )
        # Counted once: a request may name a million columns, and must not hold a thread for longer
        # than reading it takes.
        counts = Counter(names)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        if repeated:
            why = f"The request names {len(names):,} columns, {len(counts):,} of them different."
            raise RequestRefused(
                f"Column {listed(repeated)} is given twice.", why, "Give each column once."
            )
        unknown = [name for name in names if name not in self._positions]
        missing = [
            column.name
            for column in self.columns
            if column.name not in counts and not column.optional
        ]
        if unknown or missing:
            problems = [f"unknown: {listed(unknown)}"] * bool(unknown) + [
                f"missing: {listed(missing)}"
            ] * bool(missing)
            why = "; ".join(problems)  # the names stay as they were written
            raise RequestRefused(
                "The columns do not fit.",
                f"{why[0].upper()}{why[1:]}.",
                f"The model takes {listed(self._names, 60)}.",
            )
        positions = {name: position for position, name in enumerate(names)}
        return [positions.get(name) for name in self._names]

    def _check_types(self, row: list[Any], number: int) -> None:
        for column, value in zip(self.columns, row, strict=True):
            if value is None:
                self._check_missing(column, number)
            elif not FITS[column.type](value):
                why = (
                    f"{show(value)} is {kind(value)}; {column.type} means {EXPECTED[column.type]}."
                )
                raise RequestRefused(
                    f"Column {column.name} has a wrong type in row {number + 1}.",
                    why,
                    f"Send {EXPECTED[column.type]}.",
                )
        if len(self._passed_types) < 1000:
            self._passed_types.add(tuple(map(type, row)))

    def _check_missing(self, column: Column, number: int) -> None:
        if not column.optional:
            why = (
                "The model's signature does not allow it: its training data had no missing value"
                " there."
            )
            raise RequestRefused(
                f"Column {column.name} has no value in row {number + 1}.",
                why,
                f"Send {EXPECTED[column.type]}.",
            )


class MatrixContract(ColumnContract):
    """Columns of numbers and categories: a matrix of float64, the hot path."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns)
        self._codes: list[dict[str, float] | None] = [
            (
                {text: float(code) for code, text in enumerate(column.categories)}
                if column.type == "string"
                else None
            )
            for column in self.columns
        ]
        self._numeric = not any(codes is not None for codes in self._codes)
        self._has_limited_types = any(
            column.type in RANGE or column.type == "boolean" for column in self.columns
        )
        self._singles = np.array([column.type == "float" for column in self.columns])
        self._has_singles = bool(self._singles.any())

    def from_rows(self, rows: Any, names: Any = None) -> Batch:
        """See `Contract`."""
        ordered = self._ordered(rows, names)
        if not self._numeric:
            ordered = [self._encode(row, number) for number, row in enumerate(ordered)]
        matrix = _numbers(ordered)
        self._check_values(matrix, missing_checked=True)
        if self._has_singles:
            self._round(matrix)
        return Batch(len(matrix), matrix)

    def from_flat(self, shape: Any, values: Any, names: Any = None) -> Batch:
        """See `Contract`."""
        if not self._numeric:
            raise RequestRefused(
                "This model cannot be asked with a tensor.",
                "It has inputs that are texts.",
                'Send the rows as "ndarray", or one input per column.',
            )
        flat = flat_numbers(shape, values)
        order = self._order(names, flat.shape[1])
        if order is not None:
            blank = np.full((len(flat), 1), np.nan)
            flat = np.hstack([flat, blank])[
                :, [flat.shape[1] if position is None else position for position in order]
            ]
        self._check_values(flat, missing_checked=False)
        if self._has_singles:
            self._round(flat)
        return Batch(len(flat), np.ascontiguousarray(flat))

    def _round(self, matrix: np.ndarray) -> None:
        """Give the columns of type float the values that the model was trained with: 0.1 of JSON
        is another number than 0.1 in 32 bits. Raises RequestRefused for one that does not fit.
        """
        too_large = np.abs(matrix) > LARGEST_SINGLE
        if too_large.any():
            self._check_singles(matrix, too_large & self._singles)
            rounded = np.where(too_large, 0.0, matrix).astype(
                np.float32
            )  # doubles stay as they are
        else:
            rounded = matrix.astype(np.float32)
        np.copyto(matrix, rounded, where=self._singles)

    def _check_singles(self, matrix: np.ndarray, wrong: np.ndarray) -> None:
        if wrong.any():
            row, place = (int(item) for item in np.argwhere(wrong)[0])
            raise RequestRefused(
                f"Column {self._names[place]} has a wrong value in row {row + 1}.",
                f"{matrix[row, place]:g}: it does not fit a number of 32 bits.",
                f"Send {EXPECTED['float']}.",
            )

    def _encode(self, row: list[Any], number: int) -> list[Any]:
        coded = list(row)
        for position, codes in enumerate(self._codes):
            if codes is None or row[position] is None:
                continue
            code = codes.get(row[position])
            if code is None:
                categories = listed(list(codes), 12)
                raise RequestRefused(
                    f"Column {self._names[position]} has an unknown category in row {number + 1}.",
                    f"The model has never seen {show(row[position])}.",
                    f"Known: {categories}.",
                )
            coded[position] = code
        return coded

    def _check_values(self, matrix: np.ndarray, *, missing_checked: bool) -> None:
        if not np.isfinite(matrix).all():
            self._check_finite(matrix, missing_checked=missing_checked)
        if self._has_limited_types:
            self._check_limits(matrix)

    def _check_finite(self, matrix: np.ndarray, *, missing_checked: bool) -> None:
        if np.isinf(matrix).any():
            row, position = (int(item) for item in np.argwhere(np.isinf(matrix))[0])
            raise RequestRefused(
                f"Column {self._names[position]} is infinite in row {row + 1}.",
                "The model takes finite numbers.",
                "Send a finite number.",
            )
        if not missing_checked:
            for index in np.flatnonzero(np.isnan(matrix).any(axis=0)):
                self._check_missing(
                    self.columns[int(index)], int(np.flatnonzero(np.isnan(matrix[:, index]))[0])
                )

    def _check_limits(self, matrix: np.ndarray) -> None:
        for position, column in enumerate(self.columns):
            values = matrix[:, position]
            if column.type in RANGE:
                wrong = (values != np.floor(values)) & ~np.isnan(values) | (
                    np.abs(values) > RANGE[column.type]
                )
            elif column.type == "boolean":
                wrong = (values != 0) & (values != 1) & ~np.isnan(values)
            else:
                continue
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                fault = (
                    whole_fault(values[row], column.type)
                    if column.type in RANGE
                    else f"is not {EXPECTED[column.type]}"
                )
                raise RequestRefused(
                    f"Column {column.name} has a wrong type in row {row + 1}.",
                    f"{values[row]:g} {fault}.",
                    f"Send {EXPECTED[column.type]}.",
                )


def with_none(rows: np.ndarray) -> list[list[Any]]:
    """Rows of float64 as lists, what is not finite as None."""
    found = rows.astype(object)
    found[~np.isfinite(rows)] = None
    lists: list[list[Any]] = found.tolist()
    return lists


def decoded(name: str, values: Sequence[Any]) -> list[Any]:
    """The texts that bytes stand for. name: of the input. Raises RequestRefused."""
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in values]
    except UnicodeDecodeError as error:
        raise RequestRefused(
            f"Input {name[:80]} holds bytes that are no text.",
            f"{error.reason.capitalize()} at byte {error.start + 1}.",
            "Send texts in UTF-8; other bytes are for columns and tensors of bytes.",
        ) from None


def flat_numbers(shape: Any, values: Any) -> np.ndarray:
    """A matrix of float64 from a flat list, or array, of numbers. Raises RequestRefused."""
    if (
        not isinstance(shape, list)
        or len(shape) != 2
        or not all(type(item) is int and item >= 0 for item in shape)
        or not isinstance(values, list | np.ndarray)
    ):
        raise RequestRefused(
            "The tensor is not usable.", 'It needs "shape": [rows, columns] and a list of values.'
        )
    if not shape[0] or not len(values):
        raise RequestRefused(
            "The batch is empty.", "The tensor has no row.", "Send at least one row."
        )
    if shape[0] * shape[1] != len(values):
        raise RequestRefused(
            "The tensor does not fit its shape.",
            f"{shape[0]} × {shape[1]} values were announced, {len(values)} came.",
        )
    if isinstance(values, np.ndarray):
        return values.astype(np.float64).reshape(shape)
    if not {*map(type, values)} <= {float, int, type(None)}:
        wrong = next(
            value for value in values if type(value) not in (float, int) and value is not None
        )
        raise RequestRefused(
            "The tensor holds something that is not a number.", f"{show(wrong)} is {kind(wrong)}."
        )
    return _numbers(values).reshape(shape)


def _numbers(values: Any) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        raise RequestRefused("A number is too large.", "It does not fit a double.") from None


def _plain(values: Any) -> list[Any]:
    if not isinstance(values, np.ndarray):
        return list(values)
    found = values.tolist()
    if values.dtype.kind == "f" and np.isnan(values).any():
        return [None if value != value else value for value in found]  # NaN is not itself
    return list(found)
