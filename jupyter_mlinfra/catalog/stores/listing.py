"""Which tables a catalog has."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .opening import CATALOG, Opening

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


class Listing:
    """The tables of one catalog. One SQL statement where it is a SQL database."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    @property
    def is_cheap(self) -> bool:
        """Whether it is a SQL database."""
        return self._opening.embedded.is_used or hasattr(self._opening.iceberg, "engine")

    def entries(self, namespace: str | None = None) -> list[CatalogEntry]:
        """All tables, or those of one namespace, by name."""
        with self._opening.faults.explained("The catalog cannot be listed."):
            entries = self.tables()
        return sorted(
            (entry for entry in entries if namespace in (None, entry.namespace)),
            key=lambda entry: entry.name,
        )

    def state(self) -> str:
        """Changes with every commit to a table; where the list has only names, with the names and
        every ten minutes.
        """
        entries = self.entries()
        clock = "" if all(entry.metadata for entry in entries) else str(int(time.time() // 600))
        return hashlib.sha256(
            repr((clock, [(entry.name, entry.metadata) for entry in entries])).encode()
        ).hexdigest()

    def tables(self) -> list[CatalogEntry]:
        """All tables, in no order, with the libraries' own errors."""
        if self._opening.embedded.is_used:
            return _embedded(self._opening.embedded.file)
        iceberg = self._opening.iceberg
        engine = getattr(iceberg, "engine", None)
        if engine is not None:
            from sqlalchemy import text

            with engine.connect() as connection:
                return _tables(
                    connection.execute(
                        text(_TABLES.format(":name")), {"name": iceberg.name}
                    ).mappings()
                )
        namespaces = (tuple(namespace) for namespace in iceberg.list_namespaces())
        return [
            CatalogEntry(".".join(identifier[:-1]), identifier[-1], None)
            for namespace in namespaces
            for identifier in iceberg.list_tables(namespace)
        ]


def _embedded(file: Path) -> list[CatalogEntry]:
    if not file.exists():
        return []
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=30)
    ) as connection:
        connection.row_factory = sqlite3.Row
        try:
            return _tables(dict(row) for row in connection.execute(_TABLES.format("?"), (CATALOG,)))
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # another process is creating the file
                return []
            raise


def _tables(rows: Iterable[Mapping[str, Any]]) -> list[CatalogEntry]:
    # The other rows are views.
    tables = (row for row in rows if row.get("iceberg_type") in (None, "TABLE"))
    return [
        CatalogEntry(row["table_namespace"], row["table_name"], row["metadata_location"])
        for row in tables
    ]
