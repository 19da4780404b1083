"""Stored values of Feast as Python values, most of them without Feast.

It imports the standard library alone, since bundles of deployments have a copy of it;
Feast itself decodes what is none of the SIMPLE types.

Source: `feast/protos/feast/types/Value.proto`, in Protocol Buffers' wire format: one tag (number of
the field and wire type), then the value; a null has no bytes at all.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

SIMPLE = frozenset(
    {"BOOL", "BYTES", "DOUBLE", "FLOAT", "INT32", "INT64", "STRING", "UNIX_TIMESTAMP"}
)
"""The types that are decoded here, under Feast's names."""

_BYTES, _STRING, _INT32, _INT64 = 0x0A, 0x12, 0x18, 0x20
_DOUBLE, _FLOAT, _BOOL, _TIME = 0x29, 0x35, 0x38, 0x40
_FIXED = {"DOUBLE": (_DOUBLE, 9, "d"), "FLOAT": (_FLOAT, 5, "f")}
_NO_TIME = -(2**63)
"""What Feast stores for a null among times."""

_KNOWN_BYTES = 64
"""Values up to this size are remembered: counts, words and dates are the same again and again."""

_OTHER = object()


def values_of(stored: Sequence[bytes | None], kind: str) -> list[Any]:
    """The values of one feature. stored: as Feast wrote them; None for one that is not there. kind:
    Feast's name for its type. A null and one that is not there are both None.
    """
    known = list(filter(None, stored))
    values = _fixed(known, kind)
    if values is None:
        values = _small(known, kind)
    if values is None:
        values = [_value(data, kind) for data in known]
    if len(known) == len(stored):
        return values
    left = iter(values).__next__
    return [left() if data else None for data in stored]


def varint(data: bytes, start: int) -> tuple[int, int]:
    """The number at `start`, and where the next field begins. Raises IndexError if it is cut."""
    number, shift, place = 0, 0, start
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7


def _fixed(known: Sequence[bytes], kind: str) -> list[Any] | None:
    """All at once, if each is a number of the same size; else None."""
    if kind not in _FIXED or not known:
        return None
    tag, size, code = _FIXED[kind]
    joined = b"".join(known)
    if set(map(len, known)) != {size} or joined[::size] != bytes([tag]) * len(known):
        return None
    return list(struct.unpack("<" + f"x{code}" * len(known), joined))


def _small(known: Sequence[bytes], kind: str) -> list[Any] | None:
    """All at once, if each is small and of a SIMPLE type; else None."""
    if kind not in SIMPLE or max(map(len, known), default=0) > _KNOWN_BYTES:
        return None
    values = list(map(_known, known))
    return None if _OTHER in values else values


def _value(data: bytes, kind: str) -> Any:
    if kind in SIMPLE:
        value = _known(data) if len(data) <= _KNOWN_BYTES else _simple(data)
        if value is not _OTHER:
            return value
    return _by_feast(data, kind)


def _simple(data: bytes) -> Any:
    """The value, or _OTHER if it is of no SIMPLE type."""
    tag, size = data[0], len(data)
    if tag in (_INT64, _INT32, _BOOL, _TIME):
        number, end = varint(data, 1)
        if end == size:
            return _number(tag, number if number < 2**63 else number - 2**64)
    elif tag in (_STRING, _BYTES):
        length, start = varint(data, 1)
        if start + length == size:
            return data[start:].decode() if tag == _STRING else data[start:]
    elif tag in (_DOUBLE, _FLOAT):
        _, fixed, code = _FIXED["DOUBLE" if tag == _DOUBLE else "FLOAT"]
        if size == fixed:
            return struct.unpack_from("<" + code, data, 1)[0]
    return _OTHER


_known = lru_cache(maxsize=16_384)(_simple)


def _number(tag: int, number: int) -> Any:
    if tag in (_INT64, _INT32):
        return number
    if tag == _BOOL:
        return bool(number)
    return None if number == _NO_TIME else datetime.fromtimestamp(number, tz=UTC)


def _by_feast(data: bytes, kind: str) -> Any:
    from feast.protos.feast.types.Value_pb2 import Value

    return python_value(Value.FromString(data), kind)


def python_value(message: Any, kind: str) -> Any:
    """The value of Feast's message. Text that is no UUID or decimal is itself: Feast stores any as
    one, and it must not hide the values beside it.
    """
    from feast.type_map import feast_value_type_to_python_type
    from feast.value_type import ValueType

    try:
        return feast_value_type_to_python_type(message, ValueType[kind])
    except (ValueError, ArithmeticError):
        stored = getattr(message, message.WhichOneof("val"))
        return list(stored.val) if hasattr(stored, "val") else stored
