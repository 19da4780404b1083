"""What attempts left whose processes were killed: their data files and rows in quarantine are
deleted once it is certain that no snapshot has them and none ever will.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, NotFound
from .metadata import quarantined_by, snapshot_with
from .names import DatasetName
from .pending import Left
from .store import CatalogStore
from .stores.tiers import plain
from .time.files import NeededFiles

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

    from .care.orphans import Orphans

_log = logging.getLogger(__name__)


def clean_up(store: CatalogStore, name: DatasetName) -> None:
    """Called before a write. What cannot be decided or deleted now stays for the next one."""
    from .care.orphans import Orphans

    with store.pending.left(name.text) as found:
        if not found:
            return
        orphans = Orphans(store.project, store)
        try:
            with store.explained(f"What a killed write left of {name.text} is not deleted yet."):
                table = _table(store, name)
                for left, record in found:
                    if _is_over(left, table, local=store.embedded):
                        _delete_unneeded(left, store, name, table, orphans)
                        record.ended()
        except MLInfraError as error:
            _log.warning("%s", error)


def _is_over(left: Left, table: Table | None, *, local: bool) -> bool:
    """Whether its commit has landed, or never will. table: None if there is none. local: the
    catalog is a transaction of the process that ended.
    """
    if left.demand is None or local:
        return True
    if table is None:
        return not left.demand.creates  # a dropped table accepts no commit
    if snapshot_with(table, left.mark) or left.demand.creates:
        return True
    if left.demand.uuid and left.demand.uuid != _uuid(table):
        return True  # another table of its name accepts no commit to the first
    newest = table.current_snapshot()
    return (newest.snapshot_id if newest else None) != left.demand.base


def _delete_unneeded(
    left: Left, store: CatalogStore, name: DatasetName, table: Table | None, orphans: Orphans
) -> None:
    """Delete the files of an attempt that is over, but those that a snapshot has, be it of a table
    in the trash. table: of its name.
    """
    demand, holders = left.demand, _holders(left, store, table)
    if demand is not None and not holders and not store.embedded:
        return  # its table was dropped, and others may have kept its files, or have moved it
    needed = frozenset[str]().union(*map(_files, holders))
    going = [file for file in left.files if file not in needed]
    if going and demand is not None:  # else nobody has them: the catalog was never asked
        folders = {demand.location or file.rsplit("/", 2)[0] for file in going}
        others = orphans.needed(name, sorted(folders))
        going = [file for file in going if plain(file) not in others]
    _delete(going, store, table)
    told = [store.metadata_of(item) for item in holders]
    if left.beside and demand is not None:
        told += orphans.trashed(demand.uuid)
    landed = set[str]().union(*map(quarantined_by, told))
    for path in left.beside:
        if path.stem not in landed:
            path.unlink(missing_ok=True)


def _holders(left: Left, store: CatalogStore, table: Table | None) -> list[Table]:
    """The tables that may have its files: that of its name; if that is not the one which it wrote
    to, all with that UUID or that place too, since a table can be renamed.
    """
    demand, found = left.demand, [table] if table is not None else []
    if demand is None or (table is not None and demand.uuid == _uuid(table)):
        return found
    for entry in store.entries():
        metadata = store.metadata(entry)
        same = metadata.get("table-uuid") == demand.uuid or metadata["location"] == demand.location
        if same or not demand.uuid:
            found.append(store.load(DatasetName(entry.namespace, entry.table)))
    return found


def _uuid(table: Table) -> str:
    return str(table.metadata.table_uuid)


def _table(store: CatalogStore, name: DatasetName) -> Table | None:
    try:
        return store.load(name)
    except NotFound:
        return None


def _files(table: Table) -> frozenset[str]:
    """The files of all snapshots that are kept."""
    return frozenset(NeededFiles(table).of(table.snapshots()))


def _delete(files: list[str], store: CatalogStore, table: Table | None) -> None:
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # it was not made yet
            (table.io if table is not None else _io(store, file)).delete(file)


def _io(store: CatalogStore, file: str) -> FileIO:
    from pyiceberg.io import load_file_io

    return load_file_io(store.iceberg.properties, file)
