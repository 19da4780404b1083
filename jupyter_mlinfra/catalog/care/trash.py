"""Datasets that were deleted, until their files are deleted too."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable, Unprocessable
from ...core.files import file_lock
from .. import metadata as records
from ..names import DatasetName
from ..settings import CatalogSettings
from ..stores.listing import CatalogEntry
from .spec import Trashed

if TYPE_CHECKING:
    import sqlite3

    from ...core.project import Project
    from ..spec import Dataset
    from ..store import CatalogStore

_DAY, _HOUR = 86_400.0, 3600.0
_ATTEMPTS = 8
_PURGED = 0.0
"""The end of a line whose files are being deleted, or would be by now had that not failed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the trash. metadata: the place of the table's last metadata file."""

    record: Trashed
    metadata: str

    @property
    def is_purged(self) -> bool:
        """Whether some of its files may be gone, so that it cannot be restored."""
        return self.record.until.timestamp() == _PURGED


@dataclass(frozen=True, slots=True)
class _Going:
    """A dataset that is about to be dropped. metadata: where that is. uuid: empty if it cannot be
    read.
    """

    metadata: str
    dataset: Dataset
    uuid: str
    folder: str


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

    def drop(self, name: DatasetName, *, damaged: bool = False) -> tuple[Trashed, str]:
        """Take a dataset out of the catalog: its line, with what others commit meanwhile, and the
        folder of its files. damaged: even if its metadata cannot be read. Raises Conflict if others
        wrote every time.
        """
        for _ in range(_ATTEMPTS):
            found = self._going(name, damaged=damaged)
            trashed = self.put(name, found.metadata, found.dataset)
            try:
                if _dropped(self._store, name, found.metadata):
                    self._forget_earlier(trashed, found.uuid)
                    return trashed, found.folder
            except Exception:
                if self._store.has(name):
                    self.take(trashed.id)
                raise
            self.take(trashed.id)
        raise Conflict(
            f"{name.text} was not deleted.",
            f"Other writers came first {_ATTEMPTS} times.",
            "Try again when fewer write to it; nothing was changed.",
        )

    def _going(self, name: DatasetName, *, damaged: bool) -> _Going:
        try:
            table = self._store.load(name)
        except (Unavailable, Unprocessable) as error:
            location = self._store.entry(name).metadata
            if not damaged or location is None:
                raise
            folder = location.rpartition("/")[0].removesuffix("/metadata")
            return _Going(location, records.unreadable(name, error.why), "", folder)
        dataset = records.dataset(name, self._store.metadata_of(table))
        uuid = str(table.metadata.table_uuid)
        return _Going(table.metadata_location, dataset, uuid, table.location())

    def _forget_earlier(self, trashed: Trashed, uuid: str) -> None:
        """Forget the line of a deletion of the same table that was killed before it was dropped."""
        for item in self.rows():
            is_same = item.record.id != trashed.id and item.record.name == trashed.name
            if is_same and self._uuid(item) == uuid:
                self.take(item.record.id)

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

    def newest(self, name: DatasetName) -> Trashed | None:
        """The dataset of that name that was deleted last, of those that can be restored."""
        named = (item for item in self.rows() if item.record.name == name.text)
        return next((item.record for item in named if not item.is_purged), None)

    def gone(self) -> list[Item]:
        """As `rows`, without those whose dataset is there all the same, under whatever name, since
        the process was killed before it was dropped, or after it was restored; these are forgotten
        after an hour.
        """
        rows, kept = self.rows(), []
        live = self._live() if rows else {}
        for item in rows:
            if item.metadata not in live.values() and self._uuid(item) not in live:
                kept.append(item)
            elif time.time() - item.record.at.timestamp() > _HOUR:  # its deletion may be under way
                self.take(item.record.id)
        return kept

    @contextlib.contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Only one process of this machine restores or purges a line at a time."""
        folder = self._project.folder("locks")
        with file_lock(folder / f"trash-{number}.lock", what=f"A change of {number} in the trash"):
            yield

    def purging(self, number: int) -> None:
        """Note that the files of a line are about to be deleted."""
        with self._project.database.write() as connection:
            connection.execute(
                "UPDATE catalog_trash SET ends_at = ? WHERE id = ?", (_PURGED, number)
            )

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
        """Bring a dataset back under a name. Raises Conflict if there is another of that name, and
        for one that is being purged; NotFound if it is no longer in the trash.
        """
        from pyiceberg.exceptions import TableAlreadyExistsError

        now = [line for line in self.gone() if line.record.id == item.record.id]
        if not now:
            raise NotFound(
                f"{item.record.name} was not restored.",
                "It is not in the trash any more: it was restored or purged, or never dropped.",
                "mlinfra catalog list",
            )
        if now[0].is_purged:
            raise Conflict(
                f"{item.record.name} was not restored.",
                "Its files are being deleted, and some are gone.",
                f"To delete the others: mlinfra catalog trash purge {item.record.id}",
            )
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

    def _live(self) -> dict[str, str | None]:
        """The metadata files of the datasets that there are, by their UUIDs. One that cannot be
        read is left out, and then `Orphans.purge` deletes nothing.
        """
        found = dict[str, str | None]()
        for entry in self._store.entries():
            with contextlib.suppress(MLInfraError):
                found[str(self._store.metadata(entry)["table-uuid"])] = entry.metadata
        return found

    def _uuid(self, item: Item) -> str:
        """Of its table; empty if its metadata cannot be read, which must not hide other lines."""
        name = DatasetName.of(item.record.name)
        entry = CatalogEntry(name.namespace, f"{name.table}:{item.record.id}", item.metadata)
        try:
            return str(self._store.metadata(entry)["table-uuid"])
        except MLInfraError as error:
            _log.warning("Number %s in the trash: %s", item.record.id, error)
            return ""


def _dropped(store: CatalogStore, name: DatasetName, metadata: str) -> bool:
    """Take a table out of the catalog if its metadata file is still that one; whether it was. A
    catalog that cannot do both at once is asked first.
    """
    from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
    from sqlalchemy import delete
    from sqlalchemy.orm import Session

    iceberg = store.iceberg
    if not isinstance(iceberg, SqlCatalog):
        if store.load(name).metadata_location != metadata:
            return False
        iceberg.drop_table(name.identifier)
        return True
    with Session(iceberg.engine) as session:
        done = session.execute(
            delete(IcebergTables).where(
                IcebergTables.catalog_name == iceberg.name,
                IcebergTables.table_namespace == name.namespace,
                IcebergTables.table_name == name.table,
                IcebergTables.metadata_location == metadata,
            )
        )
        session.commit()
        return bool(done.rowcount == 1)


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
