"""Feast's Redis online store, read without Feast.

Source: `feast.infra.online_stores.redis`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from .feast_columns import AT_ONCE, Column, Keys, Moments, column_of
from .feast_keys import serialized
from .feast_values import varint

REDIS_SECONDS = 5
"""How long a Redis may be silent, unless its connection string says it."""


class RedisStore:
    """Feast's hashes in a Redis; connections are shared by a pool, and several threads may read at
    once.
    """

    def __init__(self, connection: str, project: str) -> None:
        self._project = project.encode()
        self._pool = _redis_pool(connection)
        self._moments = Moments(_exact)

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `Store`. Raises redis.RedisError."""
        names = serialized(*keys)
        fields = [*(_field(view, feature) for feature in features), f"_ts:{view}".encode()]
        replies: dict[bytes, Sequence[bytes | None]] = {}
        distinct = list(dict.fromkeys(names))
        for start in range(0, len(distinct), AT_ONCE):
            part = distinct[start : start + AT_ONCE]
            replies.update(zip(part, self._ask(part, fields), strict=True))
        rows = [replies[name] for name in names]
        found = {}
        for place, feature in enumerate(features.items()):
            # Feast writes both; the value alone is of a row that has been taken away.
            at = [row[-1] if row[place] is not None else None for row in rows]
            found[feature[0]] = column_of([row[place] for row in rows], at, feature, self._moments)
        return found

    def _ask(self, names: Sequence[bytes], fields: Sequence[bytes]) -> list[Sequence[bytes | None]]:
        """All in one message: the client's own pipeline costs more than the rest together."""
        head = b"*%d\r\n$5\r\nHMGET\r\n" % (len(fields) + 2)
        tail = b"".join(b"$%d\r\n%b\r\n" % (len(field), field) for field in fields)
        keys = [name + self._project for name in names]
        message = b"".join(b"%b$%d\r\n%b\r\n%b" % (head, len(key), key, tail) for key in keys)
        connection = self._pool.get_connection()
        try:
            connection.send_packed_command([message])
            return [connection.read_response(disable_decoding=True) for _ in keys]
        except BaseException:
            connection.disconnect()  # replies that were not read would be taken for others
            raise
        finally:
            self._pool.release(connection)


def _exact(stored: bytes) -> datetime:
    """An event time in Redis: Protocol Buffers' Timestamp, seconds (field 1) and nanoseconds
    (field 2).
    """
    parts, place = {0x08: 0, 0x10: 0}, 0
    while place < len(stored):
        tag = stored[place]
        parts[tag], place = varint(stored, place + 1)
    seconds = parts[0x08] if parts[0x08] < 2**63 else parts[0x08] - 2**64
    return datetime.fromtimestamp(seconds, tz=UTC) + timedelta(microseconds=parts[0x10] // 1000)


def _field(view: str, feature: str) -> bytes:
    import mmh3

    return struct.pack("<I", mmh3.hash(f"{view}:{feature}", signed=False))


def _redis_pool(connection: str) -> Any:
    """The pool for Feast's text `host:port,db=0,password=…`."""
    import json

    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": REDIS_SECONDS,
        "socket_connect_timeout": REDIS_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    for part in connection.split(","):
        name, equals, value = part.partition("=")
        if equals:
            try:
                options[name] = json.loads(value)
            except ValueError:
                options[name] = value
        elif "host" not in options:
            host, _, port = part.partition(":")
            options |= {"host": host, "port": port}
    return Redis(**options).connection_pool
