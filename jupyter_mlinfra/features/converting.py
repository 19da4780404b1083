"""A value that somebody gave, in the type of Feast that it must have."""

from __future__ import annotations

import decimal
import numbers
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from ..core.feast_online.feast_keys import typed

_TRUTH = {"true": True, "false": False, 1: True, 0: False}


def converter(kind: str) -> Callable[[Any], Any]:
    """What makes a value of Feast's type; raises ValueError or TypeError for one that is none."""
    if kind in _CONVERTERS:
        return _CONVERTERS[kind]
    element = kind.removesuffix("_LIST").removesuffix("_SET")
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
    if isinstance(value, bool) or not isinstance(value, numbers.Real | str | decimal.Decimal):
        raise ValueError(f"{_shown(value)} is not a number")
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a number") from None


def _truth(value: Any) -> bool:
    found = _TRUTH.get(value.lower() if isinstance(value, str) else value)
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
    moment: datetime = value
    if hasattr(value, "to_pydatetime"):  # that of pandas, which SQLite does not take
        moment = value.to_pydatetime(warn=False)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _uuid(value: Any) -> UUID:
    """Feast stores any text for a UUID, which nobody can read then."""
    try:
        return value if isinstance(value, UUID) else UUID(_text(value))
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a UUID") from None


def _decimal(value: Any) -> decimal.Decimal:
    if isinstance(value, float):
        raise ValueError(f"{_shown(value)} is a float: write a decimal as text")
    try:
        return decimal.Decimal(value)
    except (TypeError, ValueError, decimal.InvalidOperation):
        raise ValueError(f"{_shown(value)} is not a decimal number") from None


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
    "UUID": _uuid,
    "TIME_UUID": _uuid,
    "DECIMAL": _decimal,
}
