"""Feast's SQLite online store, read without Feast.

Source: `feast.infra.online_stores.sqlite`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .feast_columns import AT_ONCE, Column, Keys, Moments, column_of, even
from .feast_keys import serialized
from .feast_known import KnownRows
from .feast_values import SIMPLE

_JOINED = 50
"""Features in one statement: SQLite joins at most 64 tables."""

_TWICE = 2
"""So many times what was asked for is read at most, where that is quicker."""

_TRIES = 3
"""So often a look-up begins anew where the file changes meanwhile; then it reads all keys."""

_CACHE_KIB = 65_536
"""Pages of SQLite that are kept at most; its own 2 MiB hold a few thousand keys."""


class SqliteStore:
    """Feast's tables in a SQLite file; a file that was replaced is opened again. What was asked for
    before is not read again until the file changes.
    """

    def __init__(self, file: Path, project: str) -> None:
        self._file, self._project = file, project
        self._opened: tuple[tuple[int, int], sqlite3.Connection, KnownRows] | None = None
        self._moments = Moments(_local)
        self._sizes: dict[str, int] = {}

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `Store`. Raises OSError if there is no such file, sqlite3.Error."""
        names = serialized(*keys)
        connection, known = self._open()

        def read(some: Sequence[bytes]) -> dict[str, Column]:
            return self._read(connection, view, some, features)

        # Whoever has an answer may change lists in it.
        can_be_known = features and SIMPLE.issuperset(features.values())
        for _ in range(_TRIES if can_be_known else 0):
            version = _version(connection)
            found = known.columns(version, view, names, features, read)
            if _version(connection) == version:  # what was known and what was read go together
                return found
        return read(names)

    def _read(
        self,
        connection: sqlite3.Connection,
        view: str,
        names: Sequence[bytes],
        features: Mapping[str, str],
    ) -> dict[str, Column]:
        kinds = list(features.items())
        found: dict[str, Column] = {}
        for first in range(0, len(kinds), _JOINED):
            part = kinds[first : first + _JOINED]
            asked = [feature for feature, _ in part]
            cells = self._whole(connection, view, names, asked)
            cells = cells or self._cells(connection, view, names, asked)
            for place, feature in enumerate(part):
                values, at = cells[2 * place], cells[2 * place + 1]
                found[feature[0]] = column_of(values, at, feature, self._moments)
        return found

    def _whole(
        self,
        connection: sqlite3.Connection,
        view: str,
        names: Sequence[bytes],
        features: Sequence[str],
    ) -> Sequence[Sequence[Any]] | None:
        """As `_cells`, from all that is stored of each name, which is quicker to find than some of
        it. None if it would be much more than is asked for, or if a name has a part of it.
        """
        table = self._table(view)
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
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            rows += connection.execute(_whole_of(table, len(part)), part).fetchall()
        return even(rows, len(names), features) or _uneven(rows, len(names), features)

    def _table(self, view: str) -> str:
        return '"' + f"{self._project}_{view}".replace('"', '""') + '"'

    def _cells(
        self,
        connection: sqlite3.Connection,
        view: str,
        names: Sequence[bytes],
        features: Sequence[str],
    ) -> Sequence[Sequence[Any]]:
        """Value and event time of the first feature, then those of the next: as many columns, with
        a cell for each name, None where nothing is stored.
        """
        rows: list[tuple[Any, ...]] = []
        table = self._table(view)
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            statement = _statement(table, len(part), len(features))
            rows += connection.execute(statement, [*part, *features]).fetchall()
        if not rows:
            return [()] * (2 * len(features))
        return list(zip(*rows, strict=True))

    def _open(self) -> tuple[sqlite3.Connection, KnownRows]:
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
            self._opened = mark, connection, KnownRows()
        return self._opened[1:]


def _version(connection: sqlite3.Connection) -> int:
    """Another one after each commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _uneven(
    rows: Sequence[tuple[Any, ...]], names: int, features: Sequence[str]
) -> Sequence[Sequence[Any]] | None:
    """As `even`, of rows in any order within a name. None if a name has a part of the features."""
    found: dict[str, tuple[list[Any], list[Any]]] = {feature: ([], []) for feature in features}
    for feature, value, at in rows:
        for cells in found.values() if feature is None else (found.get(feature, ([], [])),):
            cells[0].append(value)
            cells[1].append(at)
    # a name has a feature once: as many cells as names are those of each name
    flat = [cell for pair in found.values() for cell in pair]
    return flat if all(len(cell) == names for cell in flat) else None


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
