"""Feast's SQLite and Redis online stores, read without Feast: one question to the store for all
entities of a view, and no message object for each value.

Bundles of deployments have a copy of it, so it imports the standard library and its
two neighbours alone, and the client of Redis when there is one to ask.

Source: `feast.infra.online_stores.sqlite` and `.redis`.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from .feast_keys import serialized
from .feast_values import values_of, varint

_AT_ONCE = 500
"""Keys in one statement or one message."""

_JOINED = 50
"""Features in one statement: SQLite joins at most 64 tables."""

_TWICE = 2
"""So many times what was asked for is read at most, where that is quicker."""

_CACHE_KIB = 65_536
"""Pages of SQLite that are kept at most; its own 2 MiB hold a few thousand keys."""

_MOST_KNOWN = 100_000

REDIS_SECONDS = 5
"""How long a Redis may be silent, unless its connection string says it."""


class Column(NamedTuple):
    """One feature of some entities, in their order. at: event times; None where the store has
    nothing, which a null value is not.
    """

    values: list[Any]
    at: list[datetime | None]


class Keys(NamedTuple):
    """Which entities. types: Feast's type by name. rows: values in that order, see
    `feast_keys.typed`.
    """

    types: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


class Store(Protocol):
    """An online store. It is used by one thread at a time, except `RedisStore`."""

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """What is stored, by feature. features: Feast's type by name. Raises errors of the store's
        library.
        """


def direct_store(settings: Mapping[str, Any], folder: Path) -> Store | None:
    """The online store that `feature_store.yaml` names, if it is one that can be read here. folder:
    what relative paths are relative to.
    """
    online = settings.get("online_store")
    if settings.get("entity_key_serialization_version", 3) != 3 or not online:
        return None
    options = dict(online) if isinstance(online, Mapping) else {"type": online}
    project = str(settings["project"])
    if options.get("type") in ("sqlite", "feast.infra.online_stores.sqlite.SqliteOnlineStore"):
        return SqliteStore(folder / str(options.get("path", "data/online.db")), project)
    plain = options.get("redis_type", "redis") == options.get("client", "redis") == "redis"
    if options.get("type") == "redis" and plain:
        return RedisStore(str(options.get("connection_string", "localhost:6379")), project)
    return None


class SqliteStore:
    """Feast's tables in a SQLite file; a file that was replaced is opened again."""

    def __init__(self, file: Path, project: str) -> None:
        self._file, self._project = file, project
        self._opened: tuple[tuple[int, int], sqlite3.Connection] | None = None
        self._moments = _Moments(_local)
        self._sizes: dict[str, int] = {}

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `Store`. Raises OSError if there is no such file, sqlite3.Error."""
        names, kinds = serialized(*keys), list(features.items())
        found: dict[str, Column] = {}
        for first in range(0, len(kinds), _JOINED):
            part = kinds[first : first + _JOINED]
            asked = [feature for feature, _ in part]
            cells = self._whole(view, names, asked) or self._cells(view, names, asked)
            for place, (feature, kind) in enumerate(part):
                values, at = cells[2 * place], cells[2 * place + 1]
                found[feature] = _column(values, at, kind, self._moments)
        return found

    def _whole(
        self, view: str, names: Sequence[bytes], features: Sequence[str]
    ) -> Sequence[Sequence[Any]] | None:
        """As `_cells`, from all that is stored of each name, which is quicker to find than some of
        it. None if it would be much more than is asked for, or if a name has a part of it.
        """
        connection, table = self._connection(), self._table(view)
        size = self._sizes.get(view)
        if size is None:
            most = f"SELECT count(*) FROM {table} WHERE entity_key = ?"  # noqa: S608  # quoted
            size = max(
                (connection.execute(most, [name]).fetchone()[0] for name in names), default=0
            )
            if size:
                self._sizes[view] = size
        if size > _TWICE * len(features):
            return None
        cells: list[list[Any]] = [[] for _ in range(2 * len(features))]
        adding = [cell.append for cell in cells]
        found = dict(zip(features, zip(adding[::2], adding[1::2], strict=True), strict=True))
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            for feature, value, at in connection.execute(_whole_of(table, len(part)), part):
                if feature is None:
                    for add in adding:
                        add(None)
                elif add_both := found.get(feature):
                    add_both[0](value)
                    add_both[1](at)
        # a name has a feature once: as many cells as names are those of each name
        return cells if all(len(cell) == len(names) for cell in cells) else None

    def _table(self, view: str) -> str:
        return '"' + f"{self._project}_{view}".replace('"', '""') + '"'

    def _cells(
        self, view: str, names: Sequence[bytes], features: Sequence[str]
    ) -> Sequence[Sequence[Any]]:
        """Value and event time of the first feature, then those of the next: as many columns, with
        a cell for each name, None where nothing is stored.
        """
        connection, rows = self._connection(), []
        table = self._table(view)
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            statement = _statement(table, len(part), len(features))
            rows += connection.execute(statement, [*part, *features]).fetchall()
        if not rows:
            return [()] * (2 * len(features))
        return list(zip(*rows, strict=True))

    def _connection(self) -> sqlite3.Connection:
        stat = os.stat(self._file)  # SQLite would make an empty one
        mark = (stat.st_dev, stat.st_ino)
        if self._opened is None or self._opened[0] != mark:
            if self._opened is not None:
                self._opened[1].close()
            # Not read-only: what a killed writer left unfinished has to be rolled back.
            connection = sqlite3.connect(
                f"file:{quote(str(self._file))}?mode=rw", uri=True, check_same_thread=False
            )
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._opened = mark, connection
        return self._opened[1]


class RedisStore:
    """Feast's hashes in a Redis; connections are shared by a pool, and several threads may read at
    once.
    """

    def __init__(self, connection: str, project: str) -> None:
        self._project = project.encode()
        self._pool = _redis_pool(connection)
        self._moments = _Moments(_exact)

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `Store`. Raises redis.RedisError."""
        names = serialized(*keys)
        fields = [*(_field(view, feature) for feature in features), f"_ts:{view}".encode()]
        replies: dict[bytes, Sequence[bytes | None]] = {}
        distinct = list(dict.fromkeys(names))
        for start in range(0, len(distinct), _AT_ONCE):
            part = distinct[start : start + _AT_ONCE]
            replies.update(zip(part, self._ask(part, fields), strict=True))
        rows = [replies[name] for name in names]
        found = {}
        for place, (feature, kind) in enumerate(features.items()):
            # Feast writes both; the value alone is of a row that has been taken away.
            at = [row[-1] if row[place] is not None else None for row in rows]
            found[feature] = _column([row[place] for row in rows], at, kind, self._moments)
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


@lru_cache(maxsize=64)
def _statement(table: str, keys: int, features: int) -> str:
    """One row for each key, in their order: the outer table of a left join is passed over once."""
    joins = [
        f"LEFT JOIN {table} AS t{n} ON t{n}.entity_key = k.column1 AND t{n}.feature_name = ?"
        for n in range(features)
    ]
    columns = ", ".join(f"t{n}.value, t{n}.event_ts" for n in range(features))
    given = ", ".join(["(?)"] * keys)
    return f"SELECT {columns} FROM (VALUES {given}) AS k {' '.join(joins)}"  # noqa: S608  # quoted


@lru_cache(maxsize=64)
def _whole_of(table: str, keys: int) -> str:
    """All that is stored of each key, in their order; one row of nulls for one that is not."""
    given = ", ".join(["(?)"] * keys)
    return (
        "SELECT t.feature_name, t.value, t.event_ts"  # noqa: S608  # quoted
        f" FROM (VALUES {given}) AS k LEFT JOIN {table} AS t ON t.entity_key = k.column1"
    )


class _Moments:
    """Event times as they were read before; those of a view are few, or asked for again."""

    def __init__(self, read: Callable[[Any], datetime]) -> None:
        self._read = read
        self._known: dict[Any, datetime] = {}
        self._last: tuple[Sequence[Any], list[datetime | None]] = ((), [])

    def of(self, stored: Sequence[Any]) -> list[datetime | None]:
        """The event times of a feature; the same list as for the one before if they are equal."""
        last = self._last  # another thread may replace it
        if stored != last[0]:
            known = self._known if len(self._known) <= _MOST_KNOWN else {}
            for new in set(stored).difference(known, (None,)):
                known[new] = self._read(new)
            self._known = known
            self._last = last = stored, list(map(known.get, stored))
        return last[1]


def _column(
    stored: Sequence[bytes | None], at: Sequence[Any], kind: str, times: _Moments
) -> Column:
    return Column(values_of(stored, kind), times.of(at))


def _local(stored: int | str) -> datetime:
    """An event time in SQLite: Feast takes UTC for the machine's own time both ways, and another
    adapter of Python's module writes ISO 8601.
    """
    at = (
        datetime.fromtimestamp(stored)
        if isinstance(stored, int)
        else datetime.fromisoformat(stored)
    )
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


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
