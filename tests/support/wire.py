"""Messages of protocol buffers written and read by hand, from the published field numbers, and
calls by the gRPC library: an oracle that shares nothing with the code under test.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import grpc

SELDON, V2 = "/seldon.protos.Seldon/", "/inference.GRPCInferenceService/"


class Called(NamedTuple):
    """What came back: OK or the name of another status, its text, the message and the metadata."""

    code: str
    text: str
    message: bytes
    metadata: dict[str, str]


class Caller:
    """One channel to a gateway."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)

    def close(self) -> None:
        self._channel.close()

    def call(self, path: str, message: bytes = b"", **metadata: str) -> Called:
        """One unary call."""
        sent = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        method = self._channel.unary_unary(path)
        try:
            found, done = method.with_call(message, metadata=sent, timeout=40)
        except grpc.RpcError as error:
            return Called(error.code().name, error.details(), b"", {})
        return Called("OK", "", found, dict(done.initial_metadata()))


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    parts = b""
    while number > 127:
        parts += bytes([number & 127 | 128])
        number >>= 7
    return parts + bytes([number])


def field(number: int, value: Any) -> bytes:
    """A whole number, a double, a text or a message."""
    if isinstance(value, bool | int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def doubles(values: Sequence[float]) -> bytes:
    """Packed, as a repeated field has them."""
    return struct.pack(f"<{len(values)}d", *values)


def read(message: bytes) -> dict[int, list[Any]]:
    """The values of a message by field number; texts and messages as bytes."""
    found: dict[int, list[Any]] = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = number()
        kind = tag & 7
        if kind == 0:
            value: Any = number()
        elif kind == 2:
            length = number()
            value, at = message[at : at + length], at + length
        else:
            size = {1: 8, 5: 4}[kind]
            value, at = message[at : at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def tensor_request(names: Sequence[str], rows: Sequence[Sequence[float]], puid: str = "") -> bytes:
    """A SeldonMessage with a tensor."""
    shape = varint(len(rows)) + varint(len(rows[0]))
    values = doubles([float(value) for row in rows for value in row])
    tensor = field(1, shape) + field(2, values)
    data = b"".join(field(1, name) for name in names) + field(2, tensor)
    return (field(2, field(1, puid)) if puid else b"") + field(3, data)


def tensor_answer(message: bytes) -> list[float]:
    """The values of a SeldonMessage with a tensor."""
    (data,) = read(message)[3]
    (tensor,) = read(data)[2]
    (values,) = read(tensor)[2]
    return list(struct.unpack(f"<{len(values) // 8}d", values))


def value(item: Any) -> bytes:
    """A google.protobuf.Value."""
    if item is None:
        return field(1, 0)
    if isinstance(item, bool):
        return field(4, item)
    if isinstance(item, int | float):
        return field(2, float(item))
    if isinstance(item, str):
        return field(3, item)
    return field(6, b"".join(field(1, value(part)) for part in item))
