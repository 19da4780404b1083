"""A commit after which no list of deleted rows is left: the files that they were deleted from are
written again without them.

pyiceberg's overwrite keeps such lists, and their count, for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _OverwriteFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.io import FileIO
    from pyiceberg.table import Transaction

_COUNTS = ("delete-files", "position-deletes", "equality-deletes")


class _WholeFiles(_OverwriteFiles):
    def _existing_manifests(self) -> list[ManifestFile]:
        return [
            manifest
            for manifest in super()._existing_manifests()
            if manifest.content == ManifestContent.DATA
        ]


def whole_files(
    transaction: Transaction, io: FileIO, properties: Mapping[str, str]
) -> _OverwriteFiles:
    """An overwrite that also takes out every list of deleted rows. properties: of the snapshot."""
    current = transaction.table_metadata.current_snapshot()
    totals = current.summary if current is not None else None
    removed = {}
    for name in _COUNTS:
        count = totals[f"total-{name}"] if totals is not None else None
        if count not in (None, "0"):
            removed[f"removed-{name}"] = str(count)
    return _WholeFiles(
        Operation.OVERWRITE, transaction, io, snapshot_properties={**properties, **removed}
    )
