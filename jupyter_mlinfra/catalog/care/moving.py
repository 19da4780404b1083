"""A table into another tier, with its name and all of its snapshots.

Everything is copied first; then the catalog's pointer moves, if it still is where the copy began.
What other writers committed meanwhile is copied too, and the pointer tried again. The move is a
snapshot of its own (operation `replace`, of which Iceberg says that it relocates files): a write
that began before it is refused by the catalog, and begins again in the new place. Old files stay,
since readers may be at them, and are what `catalog clean` finds.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...core.errors import Conflict
from ...core.events import telling
from ...core.origin import actor
from ...core.processes import failpoint
from .. import metadata as records
from ..integrity import checksums_of
from ..names import DatasetName
from ..stores.tiers import plain
from ..stores.versions import check_moving
from .places import Moves
from .relocation import Relocation
from .spec import Moved

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

    from ...core.project import Project
    from ..store import CatalogStore

_ATTEMPTS = 8
_MAIN = "main"


class Moving:
    """Moves the tables of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store

    def move(
        self,
        name: DatasetName,
        tier: str,
        *,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> Moved:
        """Move a table. on_progress: called with the bytes that are copied, and all of them.

        Raises Conflict for a catalog that cannot exchange a pointer safely, and if other writers
        came first every time; Unprocessable for a table that cannot be moved. Nothing is changed
        then.
        """
        place = self._store.tiers.get(tier)
        catalog = self._catalog(name)
        with self._store.explained(f"{name.text} was not moved."):
            table = self._store.load(name)
            location = table.metadata.location
            if self._store.tiers.of(location) == tier and not strangers(table):
                return _there(name, tier, table)
            check_moving(table.metadata, f"{name.text} cannot be moved.")
            folder = f"{name.table}-{uuid.uuid4().hex[:8]}"
            new = "/".join([place.warehouse, *name.namespace.split("."), folder])
            moves = Moves(self._project)
            with moves.under_way(str(table.metadata.table_uuid), location, new):
                return self._move(catalog, name, table, tier, new, on_progress)

    def _catalog(self, name: DatasetName) -> SqlCatalog:
        from pyiceberg.catalog.sql import SqlCatalog

        iceberg = self._store.iceberg
        if isinstance(iceberg, SqlCatalog):
            return iceberg
        raise Conflict(
            f"{name.text} cannot be moved.",
            "This catalog has no request that exchanges a table's metadata only if nobody has"
            " written meanwhile; without it a commit could be lost.",
            "Move it with the catalog's own tools, or copy its rows into another dataset.",
        )

    def _move(
        self,
        catalog: SqlCatalog,
        name: DatasetName,
        table: Table,
        tier: str,
        new: str,
        on_progress: Callable[[int, int], None],
    ) -> Moved:
        from pyiceberg.io import load_file_io

        old = table.metadata.location
        io = load_file_io(catalog.properties, new)
        total = self._bytes(table)
        copied = [0]

        def on_bytes(count: int) -> None:
            copied[0] += count
            on_progress(copied[0], max(total, copied[0]))

        relocation = Relocation(
            io, old, new, name=name.text, checksums=checksums_of(table), on_bytes=on_bytes
        )
        with contextlib.ExitStack() as before:
            for attempt in range(_ATTEMPTS):
                if attempt == 1:  # what is left to copy is little: others may wait for it
                    before.enter_context(self._store.before_appends(name))
                metadata = relocation.copy_table(self._store.metadata_of(table))
                failpoint("catalog-move-copied")
                metadata = self._with_snapshot(metadata, table, relocation, tier)
                target = write_metadata(io, table.metadata_location, new, metadata)
                if exchanged(catalog, name, table.metadata_location, target):
                    failpoint("catalog-move-done")
                    return self._moved(name, tier, old, metadata, relocation)
                io.delete(target)
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 (spreads writers)
                table = self._store.load(name)
                if table.metadata.location != old:
                    break
        raise Conflict(
            f"{name.text} was not moved.",
            "Others wrote to it, or moved it, meanwhile.",
            "Try again when fewer write to it; nothing was changed.",
        )

    def _bytes(self, table: Table) -> int:
        """About how much there is to copy."""
        return sum(
            int(snapshot.summary.additional_properties.get("added-files-size", 0))
            for snapshot in table.snapshots()
            if snapshot.summary is not None
        )

    def _with_snapshot(
        self, metadata: dict[str, Any], table: Table, relocation: Relocation, tier: str
    ) -> dict[str, Any]:
        """The metadata with a snapshot of the move: the same rows, in the new place."""
        current = table.current_snapshot()
        if current is None:
            return metadata
        number = int(metadata.get("last-sequence-number", 0)) + 1
        snapshot_id = table.metadata.new_snapshot_id()
        path = f"{metadata['location']}/metadata/snap-{snapshot_id}-0-{uuid.uuid4()}.avro"
        header = {
            "snapshot-id": str(snapshot_id),
            "parent-snapshot-id": str(current.snapshot_id),
            "sequence-number": str(number),
        }
        relocation.copy_list(current.manifest_list, path, header)
        at = max(int(time.time() * 1000), table.metadata.last_updated_ms + 1)
        totals = current.summary.additional_properties if current.summary is not None else {}
        entry = {
            "snapshot-id": snapshot_id,
            "parent-snapshot-id": current.snapshot_id,
            "sequence-number": number,
            "timestamp-ms": at,
            "manifest-list": path,
            "schema-id": table.metadata.current_schema_id,
            "summary": {
                "operation": "replace",
                **{key: value for key, value in totals.items() if key.startswith("total-")},
                records.KEEPS_ROWS: "true",
                records.WRITTEN_BY: actor(self._project),
                records.MOVED_TO: tier,
            },
        }
        if metadata["format-version"] == 1:
            del entry["sequence-number"]
        main = {**metadata.get("refs", {}).get(_MAIN, {"type": "branch"})}
        return {
            **metadata,
            "last-updated-ms": at,
            "last-sequence-number": number if metadata["format-version"] > 1 else 0,
            "current-snapshot-id": snapshot_id,
            "snapshots": [*metadata["snapshots"], entry],
            "snapshot-log": [
                *metadata.get("snapshot-log", []),
                {"snapshot-id": snapshot_id, "timestamp-ms": at},
            ],
            "refs": {**metadata.get("refs", {}), _MAIN: {**main, "snapshot-id": snapshot_id}},
        }

    def _moved(
        self,
        name: DatasetName,
        tier: str,
        old: str,
        metadata: Mapping[str, Any],
        relocation: Relocation,
    ) -> Moved:
        snapshot = metadata.get("current-snapshot-id")
        with telling(f"{name.text} is moved to {tier}"):
            self._project.events.emit(
                "dataset", name.ref, {"snapshot": str(snapshot or ""), "moved": tier}
            )
        before = self._store.tiers.of(old)
        return Moved(
            dataset=name.text,
            tier=tier,
            files=relocation.files,
            bytes=relocation.bytes,
            snapshots=len(metadata.get("snapshots", [])),
            location=str(metadata["location"]),
            snapshot=str(snapshot) if snapshot else None,
            note=f"The old files stay for those who read them: mlinfra catalog clean {name.text}",
            undo=f"mlinfra catalog move {name.text} --tier {before}" if before != tier else "",
        )


def strangers(table: Table) -> bool:
    """Whether the newest snapshot has a file outside the table's folder."""
    folder = f"{plain(table.metadata.location)}/"
    return any(not plain(task.file.file_path).startswith(folder) for task in _tasks(table))


def _tasks(table: Table) -> list[Any]:
    try:
        return list(table.scan().plan_files())
    except ValueError:  # rows that were deleted by their values
        return []


def exchanged(catalog: SqlCatalog, name: DatasetName, old: str, new: str) -> bool:
    """Exchange the pointer to a table's metadata, if it is still the old one; whether it was."""
    from pyiceberg.catalog.sql import IcebergTables
    from sqlalchemy import select, update
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.orm import Session

    which = (
        IcebergTables.catalog_name == catalog.name,
        IcebergTables.table_namespace == name.namespace,
        IcebergTables.table_name == name.table,
    )
    try:
        with Session(catalog.engine) as session:
            done = session.execute(
                update(IcebergTables)
                .where(*which, IcebergTables.metadata_location == old)
                .values(metadata_location=new, previous_metadata_location=old)
            )
            session.commit()
            return bool(done.rowcount == 1)
    except DBAPIError:  # its answer may be lost: the catalog says what it has
        columns = (IcebergTables.metadata_location, IcebergTables.previous_metadata_location)
        with Session(catalog.engine) as session:
            found = session.execute(select(*columns).where(*which)).one_or_none()
        if found is None or new not in found:
            raise
        return True


def write_metadata(io: FileIO, before: str, location: str, metadata: Mapping[str, Any]) -> str:
    """Write the metadata file; returns its place, with the next number."""
    from pyiceberg.serializers import ToOutputFile
    from pyiceberg.table.metadata import TableMetadataUtil

    number = before.rpartition("/")[2].partition("-")[0]
    version = int(number) + 1 if number.isdigit() else 0
    path = f"{location}/metadata/{version:05d}-{uuid.uuid4()}.metadata.json"
    ToOutputFile.table_metadata(TableMetadataUtil.parse_obj(dict(metadata)), io.new_output(path))
    return path


def _there(name: DatasetName, tier: str, table: Table) -> Moved:
    snapshot = table.current_snapshot()
    return Moved(
        dataset=name.text,
        tier=tier,
        files=0,
        bytes=0,
        snapshots=len(table.snapshots()),
        location=table.metadata.location,
        snapshot=str(snapshot.snapshot_id) if snapshot else None,
        note=f"It is in {tier} already.",
        done=False,
    )
