"""Which files and Delta tables the catalog reads where they are, in `state.db`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ..core.records import from_seconds, to_seconds
from .addresses import may_meet
from .columnlabels import PII, is_pii
from .labels import Labels
from .names import DatasetName
from .stores.objects import is_object

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from ..core.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One of them. kind: of its files, or `delta`. location: a file, a pattern or a folder.
    columns: short type by name, when it was registered; those of text stay so, and `schema` has
    them as Arrow (IPC, base64). reading: options of text. said: tags, owner and description.
    of_columns: those of each column of which something is said. bytes, changed_at: of the files
    when it was registered.
    """

    name: DatasetName
    kind: str
    location: str
    columns: Mapping[str, str]
    schema: str
    reading: Mapping[str, Any]
    at: datetime
    said: Labels = field(default_factory=Labels)
    of_columns: Mapping[str, Labels] = field(default_factory=dict)
    bytes: int | None = None
    changed_at: datetime | None = None

    @property
    def personal(self) -> frozenset[str]:
        """The columns tagged `pii`."""
        return frozenset(name for name, said in self.of_columns.items() if is_pii(said.tags))

    def labels(self, column: str | None) -> Labels:
        """What is said of it, or of a column."""
        return self.said if column is None else self.of_columns.get(column, Labels())

    def labelled(self, column: str | None, labels: Labels) -> Registered:
        """The same with other labels of it, or of a column."""
        if column is None:
            return replace(self, said=labels)
        return replace(self, of_columns={**self.of_columns, column: labels})


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
        """Changes with every registration, and with what is said of one."""
        return repr([(item.name.text, mark_of(item)) for item in self.all()])

    def add(self, item: Registered) -> None:
        """A column that is tagged `pii` where one of the files has another name is tagged here too.
        Raises Conflict for a name that is taken.
        """
        for other in self._at_place_of(item):
            for column in other.personal.intersection(item.columns):
                item = item.labelled(column, item.labels(column).changed(tags=(PII,)))
        row = (item.name.text, item.kind, item.location, _options(item))
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

    def spread(self, name: DatasetName, column: str) -> list[DatasetName]:
        """Tag this column `pii` under the other names of the same files too; those that were not
        tagged.
        """
        if (item := self.get(name)) is None:
            return []
        found = [
            other
            for other in self._at_place_of(item)
            if other.name != name and column in other.columns and column not in other.personal
        ]
        for other in found:
            labels = other.labels(column)
            self.label(other.name, column, labels.changed(tags=(*labels.tags, PII)))
        return [other.name for other in found]

    def label(self, name: DatasetName, column: str | None, labels: Labels) -> Registered:
        """Keep what is said of one, or of a column of it. Raises NotFound if it is gone."""
        with self._project.database.write() as connection:
            query = "SELECT * FROM catalog_registered WHERE name = ?"
            row = connection.execute(query, (name.text,)).fetchone()
            if row is None:
                raise NotFound(f"There is no dataset {name.text}.")
            changed = _registered(row).labelled(column, labels)
            connection.execute(
                "UPDATE catalog_registered SET options = ? WHERE name = ?",
                (_options(changed), name.text),
            )
        return changed

    def remove(self, name: DatasetName) -> None:
        """Forget it; its files stay."""
        with self._project.database.write() as connection:
            connection.execute("DELETE FROM catalog_registered WHERE name = ?", (name.text,))

    def _at_place_of(self, item: Registered) -> list[Registered]:
        """Those that read a file that this one reads; in a store, those that may."""
        if is_object(item.location):
            return [other for other in self.all() if may_meet(item.location, other.location)]
        files = self._files(item)
        return [other for other in self.all() if not files.isdisjoint(self._files(other))]

    def _files(self, item: Registered) -> frozenset[str]:
        from .listed import files_at

        files: Sequence[str | Path] = [item.location]
        if item.kind != "delta" and not is_object(item.location):
            with contextlib.suppress(MLInfraError, OSError):  # gone: known by the place alone
                files = [item.location, *files_at(item.location, self._project.root)]
        return frozenset(os.path.realpath(self._project.root / file) for file in files)

    def _rows(self, query: str, *values: str) -> list[Registered]:
        if not (self._project.home / self._project.state.name).exists():
            return []  # a list of datasets makes no state
        with contextlib.suppress(Unavailable), self._project.database.read() as connection:
            return [_registered(row) for row in connection.execute(query, values)]
        return []


def mark_of(item: Registered) -> str:
    """Changes with the registration, and with what is said of it and its columns."""
    return repr((str(item.at), item.said, sorted(item.of_columns.items(), key=itemgetter(0))))


def _options(item: Registered) -> str:
    columns = {name: asdict(said) for name, said in item.of_columns.items() if said != Labels()}
    return json.dumps(
        {
            "columns": item.columns,
            "schema": item.schema,
            "reading": item.reading,
            "said": asdict(item.said),
            "of_columns": columns,
            "bytes": item.bytes,
            "changed_at": None if item.changed_at is None else to_seconds(item.changed_at),
        }
    )


def _labels(said: Mapping[str, Any]) -> Labels:
    return Labels(**{**said, "tags": tuple(said.get("tags", ()))})


def _registered(row: sqlite3.Row) -> Registered:
    options = json.loads(row["options"])
    changed_at = options.get("changed_at")
    return Registered(
        name=DatasetName.parse(row["name"]),
        kind=row["kind"],
        location=row["location"],
        columns=options["columns"],
        schema=options["schema"],
        reading=options["reading"],
        at=from_seconds(row["at"]),
        said=_labels(options.get("said", {})),
        of_columns={name: _labels(said) for name, said in options.get("of_columns", {}).items()},
        bytes=options.get("bytes"),
        changed_at=None if changed_at is None else from_seconds(changed_at),
    )
