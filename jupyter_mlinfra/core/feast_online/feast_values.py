"""Stored values of Feast as Python values, most of them without Feast.

It imports the standard library alone, since bundles of deployments have a copy of it;
Feast itself decodes what is none of the SIMPLE types.

Source: `feast/protos/feast/types/Value.proto`, in Protocol Buffers' wire format: one tag (number of
the field and wire type), then the value; a null has no bytes at all.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
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

_MOST_KNOWN = 16_384

_LONGEST_NUMBER = 11
"""Bytes of a tag and a number; Protocol Buffers take none that is longer."""


class Remembered(dict[Any, Any]):
    """What was made of stored things before; None stays None. Threads may share it."""

    def __init__(self, make: Callable[[Any], Any], most: int) -> None:
        """most: how many are kept."""
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, stored: Any) -> Any:
        made = None if stored is None else self._make(stored)
        if len(self) >= self._most:
            self.clear()
        self[stored] = made
        return made

    def of(self, stored: Sequence[Any]) -> list[Any]:
        """One for each, in their order."""
        return list(map(self.__getitem__, stored))


class DamagedValue(Exception):
    """What is stored is no value. place: of its entity among those that were asked for."""

    def __init__(self, why: str, place: int) -> None:
        super().__init__(why)
        self.place, self.feature = place, ""


class _Other(Exception):
    """The value is of no SIMPLE type, not written as Feast does, or too large to be remembered."""


def values_of(stored: Sequence[bytes | None], kind: str) -> list[Any]:
    """The values of one feature. stored: as Feast wrote them; None for one that is not there. kind:
    Feast's name for its type. A null and one that is not there are both None. Raises DamagedValue.
    """
    if (values := _fixed(stored, kind)) is not None:
        return values
    if kind in SIMPLE:
        try:
            return _known.of(stored)
        except _Other:  # some are; one at a time
            pass
    return [_value(data, kind, place) if data else None for place, data in enumerate(stored)]


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


def _fixed(stored: Sequence[bytes | None], kind: str) -> list[Any] | None:
    """All at once, if each is a number of the same size, or nothing; else None."""
    known = list(filter(None, stored)) if kind in _FIXED else None
    if not known:
        return None
    tag, size, code = _FIXED[kind]
    joined = b"".join(known)
    if set(map(len, known)) != {size} or joined[::size] != bytes([tag]) * len(known):
        return None
    values = list(struct.unpack("<" + f"x{code}" * len(known), joined))
    if len(known) == len(stored):
        return values
    left = iter(values).__next__
    return [left() if data else None for data in stored]


def _value(data: bytes, kind: str, place: int) -> Any:
    with contextlib.suppress(_Other):
        if kind in SIMPLE:
            return _simple(data)
    from google.protobuf.message import DecodeError

    try:
        return _by_feast(data, kind)
    except DecodeError as error:
        raise DamagedValue(str(error), place) from error


def _simple(data: bytes) -> Any:
    """The value. Raises _Other if it is of no SIMPLE type, or not written as Feast does."""
    tag, size = data[0], len(data)
    try:
        if tag in (_INT64, _INT32, _BOOL, _TIME):
            number, end = varint(data, 1)
            if end == size <= _LONGEST_NUMBER and number < 2**64:
                return _number(tag, number if number < 2**63 else number - 2**64)
        elif tag in (_STRING, _BYTES):
            length, start = varint(data, 1)
            if start + length == size:
                return data[start:].decode() if tag == _STRING else data[start:]
        elif tag in (_DOUBLE, _FLOAT):
            _, fixed, code = _FIXED["DOUBLE" if tag == _DOUBLE else "FLOAT"]
            if size == fixed:
                return struct.unpack_from("<" + code, data, 1)[0]
    except (
        IndexError,
        ValueError,
        OverflowError,
        OSError,
    ) as error:  # damaged, or a time of no calendar
        raise _Other from error
    raise _Other


def _small(data: bytes) -> Any:
    """As `_simple`, of what is small enough to be remembered; None of a null."""
    if len(data) > _KNOWN_BYTES:
        raise _Other
    return _simple(data) if data else None


_known = Remembered(_small, _MOST_KNOWN)


def _number(tag: int, number: int) -> Any:
    if tag == _INT64 or (tag == _INT32 and -(2**31) <= number < 2**31):
        return number
    if tag == _INT32:
        raise _Other
    if tag == _BOOL:
        return bool(number)
    return None if number == _NO_TIME else datetime.fromtimestamp(number, tz=UTC)


def _by_feast(data: bytes, kind: str) -> Any:
    from feast.protos.feast.types.Value_pb2 import Value

    return python_value(Value.FromString(data), kind)


def python_value(message: Any, kind: str) -> Any:
    """The value of Feast's message. Text that is no UUID or decimal is itself: Feast stores any as
    one, and it must not hide the values beside it. So are the seconds of a time of no calendar.
    """
    from feast.type_map import feast_value_type_to_python_type
    from feast.value_type import ValueType

    try:
        return feast_value_type_to_python_type(message, ValueType[kind])
    except (ValueError, ArithmeticError, OSError):
        stored = getattr(message, message.WhichOneof("val"))
        return list(stored.val) if hasattr(stored, "val") else stored
