"""Which tables a catalog has."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .changes import SqliteFile, mark_of
from .opening import CATALOG, Opening

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from sqlalchemy import Engine

# every column: `iceberg_type` is missing in older catalogs
_TABLES = "SELECT * FROM iceberg_tables WHERE catalog_name = {0}"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One table of the catalog. metadata: the path of its newest metadata file; None if the list
    does not contain it.
    """

    namespace: str
    table: str
    metadata: str | None

    @property
    def name(self) -> str:
        """`namespace.table`."""
        return f"{self.namespace}.{self.table}"


class Tables:
    """All tables at one moment. mark: of that moment; None if nothing tells a later one from it."""

    def __init__(self, entries: Iterable[CatalogEntry], mark: tuple[Any, ...] | None) -> None:
        self.entries: Sequence[CatalogEntry] = sorted(entries, key=lambda entry: entry.name)
        self.mark = mark

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], CatalogEntry]:
        """Each by its namespace and its name."""
        return {(entry.namespace, entry.table): entry for entry in self.entries}

    @cached_property
    def by_namespace(self) -> Mapping[str, Sequence[CatalogEntry]]:
        """Those of each namespace, by name."""
        found: dict[str, list[CatalogEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.namespace, []).append(entry)
        return found

    @property
    def state(self) -> str:
        """Changes with every commit to a table; where the list has only names, with the names and
        every ten minutes.
        """
        return self._digest if self.is_told else f"{self._digest} {period()}"

    @cached_property
    def _digest(self) -> str:
        text = repr([(entry.name, entry.metadata) for entry in self.entries])
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()

    @cached_property
    def is_told(self) -> bool:
        """Whether the list tells of every table whether it has changed."""
        return all(entry.metadata for entry in self.entries)


def period() -> str:
    """Another text every ten minutes."""
    return str(int(time.time() // 600))


class Listing:
    """The tables of one catalog; safe to share between threads.

    Where it is a SQL database they are read by one statement; in SQLite and PostgreSQL again only
    after a change.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lock = threading.Lock()  # of the file
        self._file: SqliteFile | None = None
        self._last: Tables | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether it is a SQL database."""
        return self._opening.embedded.is_used or hasattr(self._opening.iceberg, "engine")

    def tables(self) -> Tables:
        """All tables."""
        with self._opening.faults.explained("The catalog cannot be listed."):
            if self._opening.embedded.is_used:
                with self._lock:
                    return self._embedded()
            iceberg = self._opening.iceberg
            engine = getattr(iceberg, "engine", None)
            if engine is None:
                return Tables(_by_names(iceberg), None)
            mark = mark_of(engine, iceberg.name)
            return self._read(mark, lambda: _by_statement(engine, iceberg.name))

    def _embedded(self) -> Tables:
        if self._file is None:
            self._file = SqliteFile(self._opening.embedded.file)
            self._opening.readers.append(self._file)
        file = self._file
        try:
            return self._read(
                file.mark(), lambda: _tables(file.rows(_TABLES.format("?"), (CATALOG,)))
            )
        except sqlite3.Error as error:
            file.close()
            if "no such table" in str(error):  # another process is creating the file
                return Tables([], None)
            raise

    def _read(self, mark: tuple[Any, ...] | None, read: Callable[[], list[CatalogEntry]]) -> Tables:
        """The tables as they were last read, if that mark still stands."""
        last = self._last
        if last is None or mark is None or last.mark != mark:
            self._last = last = Tables(read(), mark)
        return last


def _by_statement(engine: Engine, name: str) -> list[CatalogEntry]:
    from sqlalchemy import text

    with engine.connect() as connection:
        found = connection.execute(text(_TABLES.format(":name")), {"name": name})
        return _tables(found.mappings())


def _by_names(iceberg: Catalog) -> list[CatalogEntry]:
    return [
        CatalogEntry(".".join(identifier[:-1]), identifier[-1], None)
        for namespace in iceberg.list_namespaces()
        for identifier in iceberg.list_tables(tuple(namespace))
    ]


def _tables(rows: Iterable[Mapping[str, Any]]) -> list[CatalogEntry]:
    # The other rows are views.
    tables = (row for row in rows if row.get("iceberg_type") in (None, "TABLE"))
    return [
        CatalogEntry(row["table_namespace"], row["table_name"], row["metadata_location"])
        for row in tables
    ]
