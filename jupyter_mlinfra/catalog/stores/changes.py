"""A cheap answer to whether anything in a SQL catalog has changed: a mark that every commit
changes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...core.sqlite import can_write, mode_of_reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

# `hashtextextended` is PostgreSQL's; names are hashed too, since a rename keeps the file.
_POSTGRES = (
    "SELECT count(*), sum(hashtextextended(concat_ws(chr(31), table_namespace, table_name,"
    " metadata_location), 0)::numeric) FROM iceberg_tables WHERE catalog_name = :name"
)


class SqliteFile:
    """A SQLite file that is only read, on one connection that stays open.

    `PRAGMA data_version` tells, in microseconds, whether another connection has committed. Source:
    https://www.sqlite.org/pragma.html#pragma_data_version. Not safe between threads.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._opened: tuple[tuple[int, ...], sqlite3.Connection] | None = None
        self._turn = 0

    def mark(self) -> tuple[int, ...]:
        """Another one after each commit, and after the file was exchanged or written over; the
        empty one without a file.
        """
        connection = self._connection()
        if connection is None:
            return ()
        return (self._turn, connection.execute("PRAGMA data_version").fetchone()[0])

    def rows(self, statement: str, values: Sequence[str]) -> list[dict[str, Any]]:
        """What a statement finds; nothing without a file."""
        connection = self._connection()
        if connection is None:
            return []
        cursor = connection.execute(statement, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _connection(self) -> sqlite3.Connection | None:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self.close()
            return None
        # A process that was forked must not use the connection of its parent.
        state = (os.getpid(), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._opened is None or self._opened[0] != state:
            self.close()
            self._turn += 1
            mode = "mode=ro" if can_write(self._file) else mode_of_reading(self._file)
            uri = f"file:{quote(str(self._file))}?{mode}"
            connection = sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
            self._opened = (state, connection)
        return self._opened[1]


def mark_of(engine: Engine, name: str) -> tuple[Any, ...] | None:
    """The same for the tables of a catalog in PostgreSQL; None where only the list tells."""
    if engine.dialect.name != "postgresql":
        return None
    from sqlalchemy import text

    with contextlib.closing(engine.connect()) as connection:
        return tuple(connection.execute(text(_POSTGRES), {"name": name}).one())
