"""How snapshots leave a table: what must still be true when they do, what is kept of them, and
which of their files are deleted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import AssertRefSnapshotId

from ...core.processes import failpoint
from .. import metadata as records
from ..metadata import Metadata
from ..names import DatasetName
from ..stores.tiers import plain

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

    from ...core.project import Project
    from ..store import CatalogStore
    from .files import NeededFile


class _NoOtherRef(AssertRefSnapshotId):
    """As its base, and the table has no other tag or branch than those that are known. Catalogs
    that commit in this process ask both of the metadata that they exchange; a REST server is asked
    the first alone.
    """

    _known: Collection[str] = PrivateAttr(default=())

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]
        super().validate(base_metadata)
        new = sorted(set(base_metadata.refs if base_metadata else ()) - set(self._known))
        if new:
            raise CommitFailedException(f"Requirement failed: {', '.join(new)} was made meanwhile")


def same_refs(table: Table) -> tuple[AssertRefSnapshotId, ...]:
    """What a commit demands that removes snapshots: a tag or branch of one would go with it."""
    refs = refs_of(table)
    demands = []
    for name, snapshot in refs.items():
        demand = _NoOtherRef.model_validate({"ref": name, "snapshot-id": snapshot})
        demand._known = refs.keys()
        demands.append(demand)
    return tuple(demands)


def refs_of(table: Table) -> dict[str, int]:
    """The snapshots by the names of the tags and branches."""
    return {name: ref.snapshot_id for name, ref in table.metadata.refs.items()}


def keeps_files(table: Table) -> bool:
    """Whether the table forbids to delete any file: another client looks after them, or other
    tables have them.
    """
    return str(table.metadata.properties.get("gc.enabled", "true")).lower() == "false"


def own_files(table: Table, files: Mapping[str, NeededFile]) -> Mapping[str, NeededFile]:
    """Those in the table's own folder. One elsewhere was made by somebody else."""
    folder = f"{plain(table.metadata.location)}/"
    return {path: file for path, file in files.items() if plain(path).startswith(folder)}


def delete(
    project: Project, store: CatalogStore, before: Table, files: Iterable[str], gone: list[str]
) -> None:
    """Delete files that the table had before a commit, but those that a snapshot of any table needs
    by now. gone: gets each that is deleted. Raises if it is not certain which are needed, and for
    the first one that cannot be deleted.
    """
    from ..care.orphans import Orphans

    name = DatasetName.of(".".join(before.name()))
    store.load(name)  # NotFound for one that was dropped or renamed: its files may be in a trash
    needs = Orphans(project, store).needed(name, [before.metadata.location])
    going = [path for path in files if plain(path) not in needs]
    failpoint("catalog-deleting")
    for path in going:
        with contextlib.suppress(FileNotFoundError):
            before.io.delete(path)
        gone.append(path)


def keep_figures(
    project: Project, name: DatasetName, metadata: Metadata, going: Collection[int]
) -> None:
    """What the snapshots did, for whoever learns from the history of a dataset."""
    rows = [
        (
            name.text,
            str(entry["snapshot-id"]),
            entry["timestamp-ms"] / 1000,
            records.kind_of(entry),
            *_figures(entry.get("summary") or {}),
        )
        for entry in metadata["snapshots"]
        if entry["snapshot-id"] in going
    ]
    with project.database.write() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO catalog_commit"
            " (dataset, snapshot, at, operation, added, removed, total, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


def _figures(summary: Mapping[str, Any]) -> tuple[int, int, int | None, int | None]:
    """Rows added and removed, rows and bytes in all."""
    total, size = summary.get("total-records"), summary.get("total-files-size")
    return (
        int(summary.get("added-records", 0)),
        int(summary.get("deleted-records", 0)),
        None if total is None else int(total),
        None if size is None else int(size),
    )
