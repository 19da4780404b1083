"""Which files and Delta tables the catalog reads where they are, in `state.db`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, Unavailable
from ..core.records import from_seconds, to_seconds
from .names import DatasetName

if TYPE_CHECKING:
    import sqlite3

    from ..core.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One of them. kind: of its files, or `delta`. location: a file, a pattern or a folder.
    columns: short type by name, when it was registered; those of text stay so, and `schema` has
    them as Arrow (IPC, base64). reading: options of text.
    """

    name: DatasetName
    kind: str
    location: str
    columns: Mapping[str, str]
    schema: str
    reading: Mapping[str, Any]
    at: datetime


class Registrations:
    """Those of one project. Where its state cannot be opened, as in a job on another machine, there
    are none.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def get(self, name: DatasetName) -> Registered | None:
        """The one of that name."""
        found = self._rows("SELECT * FROM catalog_registered WHERE name = ?", name.text)
        return found[0] if found else None

    def all(self) -> list[Registered]:
        """By name."""
        return self._rows("SELECT * FROM catalog_registered ORDER BY name")

    def state(self) -> str:
        """Changes with every registration."""
        return repr([(item.name.text, item.at) for item in self.all()])

    def add(self, item: Registered) -> None:
        """Raises Conflict for a name that is taken."""
        options = {"columns": item.columns, "schema": item.schema, "reading": item.reading}
        row = (item.name.text, item.kind, item.location, json.dumps(options))
        with self._project.database.write() as connection:
            added = connection.execute(
                "INSERT INTO catalog_registered (name, kind, location, options, at, user)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*row, to_seconds(item.at), self._project.user),
            )
            if not added.rowcount:
                raise Conflict(
                    f"{item.name.text} is registered already.",
                    "A name stands for one table.",
                    f"Choose another name, or first: mlinfra catalog delete {item.name.text} --yes",
                )

    def remove(self, name: DatasetName) -> None:
        """Forget it; its files stay."""
        with self._project.database.write() as connection:
            connection.execute("DELETE FROM catalog_registered WHERE name = ?", (name.text,))

    def _rows(self, query: str, *values: str) -> list[Registered]:
        if not (self._project.home / self._project.state.name).exists():
            return []  # a list of datasets makes no state
        with contextlib.suppress(Unavailable), self._project.database.read() as connection:
            return [_registered(row) for row in connection.execute(query, values)]
        return []


def _registered(row: sqlite3.Row) -> Registered:
    options = json.loads(row["options"])
    return Registered(
        name=DatasetName.parse(row["name"]),
        kind=row["kind"],
        location=row["location"],
        columns=options["columns"],
        schema=options["schema"],
        reading=options["reading"],
        at=from_seconds(row["at"]),
    )
