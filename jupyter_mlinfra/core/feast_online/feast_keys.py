"""The keys of Feast's online stores as bytes, made without Feast: version 3 of its encoding.

It imports the standard library alone, since bundles of deployments have a copy of it.
Source: `feast.infra.key_encoding_utils.serialize_entity_key`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

KINDS: Mapping[str, int] = {
    "BYTES": 1,
    "STRING": 2,
    "INT32": 3,
    "INT64": 4,
    "UNIX_TIMESTAMP": 8,
}
"""The types of keys that Feast can look up, with their numbers in its protocol."""

NO_KEY = "__dummy_id"
"""The key of a view without entities; its value is an empty text."""

_TEXT = KINDS["STRING"]
_HEAD, _LONG = struct.Struct("<II").pack, struct.Struct("<q").pack
_INT32, _INT64 = struct.Struct("<IIi").pack, struct.Struct("<IIq").pack
_LIMITS = {"INT32": 2**31, "INT64": 2**63, "UNIX_TIMESTAMP": 2**63}


def serialized(keys: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """The key of each row. keys: Feast's type by name; rows: values in that order, as `typed` gives
    them.
    """
    if not keys:
        keys, rows = {NO_KEY: "STRING"}, [("",) for _ in rows]
    names = sorted(keys)
    start = struct.pack("<I", len(names)) + b"".join(_text(name) for name in names)
    if list(keys.values()) == ["INT64"]:  # as most are
        start += _HEAD(KINDS["INT64"], 8)
        return [start + _LONG(value) for (value,) in rows]
    packers = [_PACKERS[keys[name]] for name in names]
    places = list(map(list(keys).index, names))
    return [
        start + b"".join(pack(row[place]) for pack, place in zip(packers, places, strict=True))
        for row in rows
    ]


def typed(value: Any, kind: str) -> Any:
    """A key as its type has it; a time becomes seconds. Raises ValueError or TypeError if it is
    none.

    Integers that pandas turned into floats count as integers; a time without a zone is UTC, a date
    its midnight in UTC.
    """
    if type(value) is int and kind in _LIMITS and abs(value) < _LIMITS[kind]:
        return value  # as almost all are
    if isinstance(value, list | dict):
        raise ValueError(f"a {type(value).__name__} cannot be a key")
    if hasattr(value, "dtype"):  # of NumPy
        value = (value.astype("datetime64[us]") if value.dtype.kind == "M" else value).item()
    if kind in _LIMITS:
        if isinstance(value, date) and kind == "UNIX_TIMESTAMP":
            value = _seconds(value)
        return _whole(value, _LIMITS[kind])
    if kind == "STRING":
        return str(value)
    if not isinstance(value, bytes):
        raise ValueError(f"a {type(value).__name__} is no bytes")
    return value


def _whole(value: Any, limit: int) -> int:
    whole = int(value) if not isinstance(value, float) or value.is_integer() else None
    if whole is None or whole != value:
        raise ValueError(f"{value} is not a whole number")
    if not -limit <= whole < limit:
        raise ValueError(f"{value} is outside {-limit} to {limit - 1}")
    return whole


def _seconds(at: date) -> int:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(), UTC)
    return int((at if at.utcoffset() is not None else at.replace(tzinfo=UTC)).timestamp())


def _sized(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data


def _text(value: str) -> bytes:
    return _sized(_TEXT, value.encode())


_PACKERS: Mapping[str, Callable[[Any], bytes]] = {
    "BYTES": lambda value: _sized(KINDS["BYTES"], value),
    "STRING": _text,
    "INT32": lambda value: _INT32(KINDS["INT32"], 4, value),
    "INT64": lambda value: _INT64(KINDS["INT64"], 8, value),
    "UNIX_TIMESTAMP": lambda value: _INT64(KINDS["UNIX_TIMESTAMP"], 8, value),
}
