"""Datasets that were deleted, until their files are deleted too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...core.errors import Conflict, NotFound
from ..names import DatasetName
from ..settings import CatalogSettings
from .files import io_of, read_metadata
from .spec import Trashed

if TYPE_CHECKING:
    import sqlite3

    from ...core.project import Project
    from ..spec import Dataset
    from ..store import CatalogStore

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the trash. metadata: the place of the table's last metadata file."""

    record: Trashed
    metadata: str


class Trash:
    """The trash of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store

    def put(self, name: DatasetName, metadata: str, dataset: Dataset) -> Trashed:
        """Note a dataset that is about to be dropped; see `take` for one that was not."""
        now = time.time()
        ends_at = now + self._project.settings.of(CatalogSettings).trash_days * _DAY
        rows = dataset.rows.value
        with self._project.database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO catalog_trash (name, metadata, rows, bytes, at, user, ends_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    name.text,
                    metadata,
                    None if rows is None else int(rows),
                    dataset.bytes,
                    now,
                    self._project.user,
                    ends_at,
                ),
            )
            number = int(cursor.lastrowid or 0)
        return self.item(str(number)).record

    def take(self, number: int) -> None:
        """Forget a line."""
        with self._project.database.write() as connection:
            connection.execute("DELETE FROM catalog_trash WHERE id = ?", (number,))

    def rows(self) -> list[Item]:
        """All lines, the newest first."""
        if not self._project.state.exists():
            return []
        with self._project.database.read() as connection:
            found = connection.execute("SELECT * FROM catalog_trash ORDER BY id DESC").fetchall()
        return [_item(row) for row in found]

    def gone(self) -> list[Item]:
        """As `rows`, without those whose dataset is there all the same, since the process was
        killed before it was dropped, or after it was restored; these are forgotten.
        """
        kept = []
        for item in self.rows():
            if self._lives(item):
                self.take(item.record.id)
            else:
                kept.append(item)
        return kept

    def ended(self) -> list[Item]:
        """Those whose time is over."""
        now = datetime.now(UTC)
        return [item for item in self.gone() if item.record.until <= now]

    def item(self, asked: str) -> Item:
        """A line by its number, or the newest of a dataset's name. Raises NotFound."""
        items = self.rows()
        for item in items:
            if asked in (str(item.record.id), item.record.name):
                return item
        raise NotFound(
            f"The trash has no {asked}.",
            f"It has {_said(items)}.",
            "mlinfra catalog trash list",
        )

    def restore(self, item: Item, name: DatasetName) -> None:
        """Bring a dataset back under a name. Raises Conflict if there is another of that name."""
        from pyiceberg.exceptions import TableAlreadyExistsError

        iceberg = self._store.iceberg
        iceberg.create_namespace_if_not_exists(name.identifier[:-1])
        try:
            iceberg.register_table(name.identifier, item.metadata)
        except TableAlreadyExistsError as error:
            raise Conflict(
                f"{item.record.name} was not restored.",
                f"There is another dataset {name.text}.",
                f"mlinfra catalog trash restore {item.record.id} --as {name.text}_restored",
            ) from error
        self.take(item.record.id)

    def _lives(self, item: Item) -> bool:
        name = DatasetName.of(item.record.name)
        if not self._store.has(name):
            return False
        with self._store.explained(f"{name.text} cannot be read."):
            table = self._store.load(name)
            if table.metadata_location == item.metadata:
                return True
            metadata = read_metadata(io_of(self._store, item.metadata), item.metadata)
            return bool(metadata["table-uuid"] == str(table.metadata.table_uuid))


def _said(items: Sequence[Item]) -> str:
    names = [item.record.name for item in items]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}" if names else "nothing"


def _item(row: sqlite3.Row) -> Item:
    return Item(
        Trashed(
            id=row["id"],
            name=row["name"],
            rows=row["rows"],
            bytes=row["bytes"],
            at=datetime.fromtimestamp(row["at"], UTC),
            user=row["user"],
            until=datetime.fromtimestamp(row["ends_at"], UTC),
        ),
        row["metadata"],
    )
