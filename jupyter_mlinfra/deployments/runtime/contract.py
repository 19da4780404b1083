"""What a request must look like: the model's signature, checked on plain lists without pandas."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

_EXPECTED = {
    "double": "a number",
    "float": "a number",
    "integer": "a whole number",
    "long": "a whole number",
    "boolean": "true or false",
    "string": "a text",
}
_RANGE = {"integer": 2**31, "long": 2**53}  # beyond 2^53 a double cannot hold every integer


class RequestRefused(Exception):
    """The request cannot be answered. status: an HTTP code in the 4xx range."""

    def __init__(self, what: str, why: str = "", fix: str = "", *, status: int = 400) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix, self.status = what, why, fix, status

    def to_json(self) -> dict[str, Any]:
        """Seldon's error body with what, why and fix added."""
        info = " ".join(part for part in (self.what, self.why, self.fix) if part)
        status = {"status": 1, "info": info, "code": self.status, "reason": "MICROSERVICE_BAD_DATA"}
        return {"status": status, "what": self.what, "why": self.why, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Column:
    """One input. optional: the training data had missing values in it. categories: texts in the
    order of their codes.
    """

    name: str
    type: str
    optional: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """A request that passed. matrix: n rows, one column per input in the model's order, missing
    values as NaN (float64).

    form: `ndarray` or `tensor`, as the request had it. puid: the caller's id, or empty.
    """

    matrix: np.ndarray
    form: str
    puid: str


class Contract:
    """The inputs of one model."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.names = [column.name for column in self.columns]
        self._positions = {name: position for position, name in enumerate(self.names)}
        self._optional = [column.optional for column in self.columns]
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
            column.type in _RANGE or column.type == "boolean" for column in self.columns
        )
        # Types of rows that passed, because most requests look like the one before.
        self._passed_types: set[tuple[type, ...]] = set()

    def read(self, body: bytes) -> Batch:
        """Check a request body of Seldon's protocol. Raises RequestRefused with what, why
        and fix.
        """
        message = self._parse(body)
        meta = message.get("meta")
        puid = meta.get("puid") if isinstance(meta, dict) else None
        puid = puid if isinstance(puid, str) and len(puid) <= 128 and puid.isprintable() else ""
        data = message.get("data")
        if not isinstance(data, dict):
            raise self._refuse("The request has no data.", 'It must hold an object under "data".')
        names = data.get("names")
        if "ndarray" in data:
            return Batch(self._from_rows(data["ndarray"], names), "ndarray", puid)
        if "tensor" in data:
            return Batch(self._from_tensor(data["tensor"], names), "tensor", puid)
        raise self._refuse('"data" holds no rows.', 'It must have "ndarray" or "tensor".')

    def _parse(self, body: bytes) -> dict[str, Any]:
        if not body:
            raise self._refuse("The request is empty.", "A body of Seldon's protocol was expected.")
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise self._refuse("The request is not JSON.", f"{error}.") from None
        if not isinstance(message, dict):
            raise self._refuse("The request is not a JSON object.", f"It is {_kind(message)}.")
        return message

    def _from_rows(self, rows: Any, names: Any) -> np.ndarray:
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise self._refuse(
                '"ndarray" is not a list of rows.', "Each row is a list with one value per column."
            )
        if not rows:
            raise self._refuse(
                "The batch is empty.", '"ndarray" has no row.', "Send at least one row."
            )
        order = self._order(names, len(rows[0]))
        width = len(rows[0])
        for number, row in enumerate(rows):
            if len(row) != width:
                why = f"It has {len(row)} values; row 1 has {width}."
                raise self._refuse(
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
        if not self._numeric:
            rows = [self._encode(row, number) for number, row in enumerate(rows)]
        try:
            matrix = np.array(rows, dtype=np.float64)
        except OverflowError:
            raise self._refuse("A number is too large.", "It does not fit a double.") from None
        self._check_values(matrix, missing_checked=True)
        return matrix

    def _from_tensor(self, tensor: Any, names: Any) -> np.ndarray:
        if not self._numeric:
            raise self._refuse(
                "This model cannot be asked with a tensor.",
                "It has inputs that are texts.",
                'Send the rows as "ndarray".',
            )
        shape, values = (
            (tensor.get("shape"), tensor.get("values"))
            if isinstance(tensor, dict)
            else (None, None)
        )
        if (
            not isinstance(shape, list)
            or len(shape) != 2
            or not all(type(item) is int and item >= 0 for item in shape)
            or not isinstance(values, list)
        ):
            raise self._refuse(
                '"tensor" is not usable.', 'It needs "shape": [rows, columns] and "values".'
            )
        if not shape[0] or not values:
            raise self._refuse(
                "The batch is empty.", "The tensor has no row.", "Send at least one row."
            )
        if shape[0] * shape[1] != len(values):
            raise self._refuse(
                "The tensor does not fit its shape.",
                f"{shape[0]} × {shape[1]} values were announced, {len(values)} came.",
            )
        if not all(type(value) in (float, int) or value is None for value in values):
            wrong = next(
                value for value in values if type(value) not in (float, int) and value is not None
            )
            raise self._refuse(
                "The tensor holds something that is not a number.",
                f"{_show(wrong)} is {_kind(wrong)}.",
            )
        try:
            flat = np.array(values, dtype=np.float64).reshape(shape)
        except OverflowError:
            raise self._refuse("A number is too large.", "It does not fit a double.") from None
        order = self._order(names, shape[1])
        if order is not None:
            blank = np.full((shape[0], 1), np.nan)
            flat = np.hstack([flat, blank])[
                :, [shape[1] if position is None else position for position in order]
            ]
        self._check_values(flat, missing_checked=False)
        return np.ascontiguousarray(flat)

    def _order(self, names: Any, width: int) -> list[int | None] | None:
        """The position of each input in a row; None if the row has the model's order."""
        if not names:
            if width != len(self.names):
                why = f"A row has {width} values, the model takes {len(self.names)} columns."
                raise self._refuse(
                    "The columns do not fit.", why, f'Name them in "names": {_list(self.names)}.'
                )
            return None
        if names == self.names:
            if width != len(names):
                raise self._refuse(
                    "The rows do not fit the names.",
                    f"{len(names)} names, {width} values in a row.",
                )
            return None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._refuse('"names" is not a list of texts.')
        if width != len(names):
            raise self._refuse(
                "The rows do not fit the names.", f"{len(names)} names, {width} values in a row."
            )
        # Counted once: a request may name a million columns, and must not hold a thread for longer
        # than reading it takes.
        counts = Counter(names)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        if repeated:
            why = f"The request names {len(names):,} columns, {len(counts):,} of them different."
            raise self._refuse(
                f"Column {_list(repeated)} is given twice.", why, "Give each column once."
            )
        unknown = [name for name in names if name not in self._positions]
        missing = [
            column.name
            for column in self.columns
            if column.name not in counts and not column.optional
        ]
        if unknown or missing:
            problems = [f"unknown: {_list(unknown)}"] * bool(unknown) + [
                f"missing: {_list(missing)}"
            ] * bool(missing)
            why = "; ".join(problems)  # the names stay as they were written
            raise self._refuse(
                "The columns do not fit.",
                f"{why[0].upper()}{why[1:]}.",
                f"The model takes {_list(self.names, 60)}.",
            )
        positions = {name: position for position, name in enumerate(names)}
        return [positions.get(name) for name in self.names]

    def _check_types(self, row: list[Any], number: int) -> None:
        for column, value in zip(self.columns, row, strict=True):
            if value is None:
                self._check_missing(column, number)
            elif not _FITS[column.type](value):
                why = (
                    f"{_show(value)} is {_kind(value)}; {column.type} means"
                    f" {_EXPECTED[column.type]}."
                )
                raise self._refuse(
                    f"Column {column.name} has a wrong type in row {number + 1}.",
                    why,
                    f"Send {_EXPECTED[column.type]}.",
                )
        if len(self._passed_types) < 1000:
            self._passed_types.add(tuple(map(type, row)))

    def _check_missing(self, column: Column, number: int) -> None:
        if not column.optional:
            why = (
                "The model's signature does not allow it: its training data had no missing value"
                " there."
            )
            raise self._refuse(
                f"Column {column.name} has no value in row {number + 1}.",
                why,
                f"Send {_EXPECTED[column.type]}.",
            )

    def _encode(self, row: list[Any], number: int) -> list[Any]:
        coded = list(row)
        for position, codes in enumerate(self._codes):
            if codes is None or row[position] is None:
                continue
            code = codes.get(row[position])
            if code is None:
                categories = _list(list(codes), 12)
                raise self._refuse(
                    f"Column {self.names[position]} has an unknown category in row {number + 1}.",
                    f"The model has never seen {_show(row[position])}.",
                    f"Known: {categories}.",
                )
            coded[position] = code
        return coded

    def _check_values(self, matrix: np.ndarray, *, missing_checked: bool) -> None:
        if np.isinf(matrix).any():
            row, position = (int(item) for item in np.argwhere(np.isinf(matrix))[0])
            raise self._refuse(
                f"Column {self.names[position]} is infinite in row {row + 1}.",
                "The model takes finite numbers.",
                "Send a finite number.",
            )
        if not missing_checked:
            for index in np.flatnonzero(np.isnan(matrix).any(axis=0)):
                self._check_missing(
                    self.columns[index], int(np.flatnonzero(np.isnan(matrix[:, index]))[0])
                )
        if not self._has_limited_types:
            return
        for position, column in enumerate(self.columns):
            values = matrix[:, position]
            if column.type in _RANGE:
                wrong = (values != np.floor(values)) & ~np.isnan(values) | (
                    np.abs(values) > _RANGE[column.type]
                )
            elif column.type == "boolean":
                wrong = (values != 0) & (values != 1) & ~np.isnan(values)
            else:
                continue
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                why = f"{values[row]:g} is not {_EXPECTED[column.type]}" + (
                    " in its range." if column.type in _RANGE else "."
                )
                raise self._refuse(
                    f"Column {column.name} has a wrong type in row {row + 1}.",
                    why,
                    f"Send {_EXPECTED[column.type]}.",
                )

    def _refuse(self, what: str, why: str = "", fix: str = "") -> RequestRefused:
        return RequestRefused(what, why, fix or self._hint())

    def _hint(self) -> str:
        names = self.names[:3]
        ellipsis = ", …" if len(self.names) > 3 else ""
        return (
            'Send {"data": {"names": ['
            + ", ".join(f'"{name}"' for name in names)
            + ellipsis
            + '], "ndarray": [[…]]}}.'
        )


def _number(value: Any) -> bool:
    return type(value) in (float, int)


def _integer(value: Any) -> bool:
    # A fraction is found later, on the array: here only the type counts, so that rows of equal
    # types need no second check.
    return type(value) in (float, int)


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "double": _number,
    "float": _number,
    "integer": _integer,
    "long": _integer,
    "boolean": lambda value: type(value) in (bool, int, float),
    "string": lambda value: type(value) is str,
}
TYPES = tuple(_FITS)


def answer(
    batch: Batch, scores: np.ndarray, names: Sequence[str], meta: Mapping[str, Any]
) -> bytes:
    """The answer in the form of the request. scores: one value or one row of values per row of the
    batch.
    """
    # As float32 the decimals would lose their last digits.
    values = scores if scores.dtype.kind == "i" else scores.astype(np.float64)
    if batch.form == "tensor":
        data: dict[str, Any] = {
            "names": list(names),
            "tensor": {"shape": list(values.shape), "values": values.ravel().tolist()},
        }
    else:
        data = {"names": list(names), "ndarray": values.tolist()}
    return orjson.dumps({"data": data, "meta": meta})


def _show(value: Any) -> str:
    text = (
        orjson.dumps(value).decode()
        if not (isinstance(value, float) and not math.isfinite(value))
        else str(value)
    )
    return text if len(text) <= 40 else text[:39] + "…"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }[type(value)]


def _list(names: Sequence[str], limit: int = 8) -> str:
    text = ", ".join(str(name)[:80] for name in names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")
