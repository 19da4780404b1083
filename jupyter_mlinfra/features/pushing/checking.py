"""The rows of a push, checked one by one: each value in the type of its feature, or the reason why
it is none.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ...core.errors import BadRequest
from ...core.feast_online.feast_keys import typed
from ..definitions import Definition
from ..spec import Rejected

AHEAD = timedelta(minutes=5)
"""How far the clock of who pushes may be ahead."""

TRUTH = {"true": True, "false": False, 1: True, 0: False}


class Checked:
    """The columns of a push with their values in the types of the views. faults: by the place of
    the row.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], rows: int) -> None:
        self.columns = {name: list(values) for name, values in columns.items()}
        self.rows = rows
        self.faults: dict[int, Rejected] = {}

    def check(self, view: Definition, at: datetime, until: datetime | None = None) -> None:
        """Check the columns of a view. at: the created time of rows that have none. until: the
        latest event time, but for `AHEAD`. Raises BadRequest for a column that is missing.
        """
        source = view.source
        time = source.time if source else "event_timestamp"
        self._require(view, time)
        for key in view.keys:
            self._column(key.name, key.type, empty=False)
        # What is aggregated has the types of its source, which takes the rows or does not.
        for feature in () if view.aggregated else view.features:
            self._column(feature.name, feature.type, empty=True)
        self._column(time, "UNIX_TIMESTAMP", empty=False)
        if until is not None:
            self._not_after(time, until)
        if source and source.created:
            if source.created not in self.columns:
                self.columns[source.created] = [at] * self.rows
            self._column(source.created, "UNIX_TIMESTAMP", empty=True)

    def kept(self) -> list[bool]:
        """Whether a row has no fault."""
        return [number not in self.faults for number in range(self.rows)]

    def _require(self, view: Definition, time: str) -> None:
        values = (
            dict.fromkeys(window.column for window in view.windows)
            if view.aggregated
            else [feature.name for feature in view.features]
        )
        needed = [*(key.name for key in view.keys), *values, time]
        missing = [name for name in needed if name not in self.columns]
        if missing:
            raise BadRequest(
                f"The rows have no column {missing[0]}.",
                f"{view.name} needs {', '.join(needed)}; the rows have"
                f" {', '.join(self.columns) or 'none'}.",
                "Add it; a feature without a value is null.",
            )

    def _column(self, name: str, kind: str, *, empty: bool) -> None:
        values, convert = self.columns[name], _converter(kind)
        for number, value in enumerate(values):
            if number in self.faults:
                continue
            if value is None or value != value:  # NaN is how pandas says that there is none
                values[number] = value if kind in ("DOUBLE", "FLOAT") else None
                if not empty:
                    self._fault(number, name, "It is empty.")
                continue
            try:
                values[number] = convert(value)
            except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
                self._fault(number, name, f"{error}.")

    def _not_after(self, name: str, until: datetime) -> None:
        """Online, a time in the future would keep all later rows away."""
        for number, at in enumerate(self.columns[name]):
            if number not in self.faults and at > until + AHEAD:
                self._fault(number, name, f"{at} is in the future; it is {until} now.")

    def _fault(self, number: int, column: str, why: str) -> None:
        self.faults[number] = Rejected(row=number + 1, column=column, why=why)


def _converter(kind: str) -> Callable[[Any], Any]:
    """What makes a value of Feast's type; raises ValueError or TypeError for one that is none."""
    if kind in _CONVERTERS:
        return _CONVERTERS[kind]
    element = kind.removesuffix("_LIST")
    if element != kind and element in _CONVERTERS:
        return lambda values: [_CONVERTERS[element](value) for value in _list(values)]
    return lambda value: _as_feast_takes_it(value, kind)


def _list(values: Any) -> Sequence[Any]:
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
        raise ValueError(f"{_shown(values)} is not a list")
    return list(values)


def _whole(kind: str) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, str):
            try:
                value = int(value)
            except ValueError:
                raise ValueError(f"{_shown(value)} is not a whole number") from None
        return int(typed(value, kind))

    return convert


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str | decimal.Decimal):
        raise ValueError(f"{_shown(value)} is not a number")
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a number") from None


def _truth(value: Any) -> bool:
    found = TRUTH.get(value.lower() if isinstance(value, str) else value)
    if found is None:
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes | list | tuple | Mapping):
        raise ValueError(f"{_shown(value)} is not text")
    return str(value)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{_shown(value)} is not bytes")
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(
                f"{_shown(value)} is not a time such as 2026-03-01T12:00:00Z"
            ) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError(f"{_shown(value)} is not a time such as 2026-03-01T12:00:00Z")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _as_feast_takes_it(value: Any, kind: str) -> Any:
    """Raise ValueError for a value that Feast does not store as this type."""
    from feast.type_map import python_values_to_proto_values
    from feast.value_type import ValueType

    try:
        python_values_to_proto_values([value], ValueType[kind])
    except Exception as error:  # Feast raises errors of many kinds
        raise ValueError(f"{_shown(value)} is not of type {kind.lower()}: {error}") from error
    return value


def _shown(value: Any) -> str:
    return f"{value!r:.40}"


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "INT32": _whole("INT32"),
    "INT64": _whole("INT64"),
    "DOUBLE": _real,
    "FLOAT": _real,
    "BOOL": _truth,
    "STRING": _text,
    "BYTES": _bytes,
    "UNIX_TIMESTAMP": _moment,
}
