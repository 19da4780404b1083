"""The files that snapshots need: data, deletes, manifests and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.waiting import check_waiting

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class NeededFile:
    """A file of a table. rows: of a data file, else 0."""

    bytes: int
    rows: int = 0


class NeededFiles:
    """The files of the snapshots of one table. Each manifest is read once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._manifests = dict[str, Mapping[str, NeededFile]]()

    def of(self, snapshots: Iterable[Snapshot]) -> dict[str, NeededFile]:
        """By location."""
        found = dict[str, NeededFile]()
        for snapshot in snapshots:
            check_waiting()
            found[snapshot.manifest_list] = NeededFile(0)
            for manifest in snapshot.manifests(self._table.io):
                path = manifest.manifest_path
                if path not in self._manifests:
                    self._manifests[path] = {
                        entry.data_file.file_path: NeededFile(
                            entry.data_file.file_size_in_bytes,
                            0 if entry.data_file.content else entry.data_file.record_count,
                        )
                        for entry in manifest.fetch_manifest_entry(self._table.io)
                    }
                found[path] = NeededFile(manifest.manifest_length)
                found |= self._manifests[path]
        return found
