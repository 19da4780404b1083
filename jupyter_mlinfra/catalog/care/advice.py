"""How a dataset is kept, and what could be done for it: at most one thing, the most useful."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from .. import metadata as records
from ..integrity import checksums_of
from ..names import DatasetName
from ..stores.tiers import HOT
from ..stores.versions import is_written
from .compacting import SMALL_BYTES, Plan, plan
from .spec import Care, Duplicate, Suggestion
from .uses import Uses, moment, today

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from ..store import CatalogStore

_WINDOW, _WEEK = 30, 7
"""Days that count as lately, and as now."""

_FEWER, _BUSY_DAYS = 8, 5
"""So many files less are worth a compaction; so many days of a week with reads, a move back."""

_HISTORY, _SNAPSHOTS = 4, 10
"""How many times the newest snapshot's bytes all files have, and how many snapshots there are,
before their expiry is suggested.
"""


class Advisor:
    """Looks at the datasets of one project."""

    def __init__(self, store: CatalogStore, uses: Uses) -> None:
        self._store, self._uses = store, uses

    def care(self, name: DatasetName) -> Care:
        """How a dataset is kept."""
        with self._store.explained(f"{name.text} cannot be read."):
            table = self._store.load(name)
            found = plan(table)
            files = list(_files(table, table.snapshots()))
            current = table.current_snapshot()
            now = list(_files(table, [current] if current else []))
        days, since = self._uses.days(name.text)
        tier = self._store.tiers.of(table.metadata.location)
        deletes = current.summary["total-delete-files"] if current and current.summary else None
        return Care(
            dataset=name.text,
            tier=tier,
            tiers=self._store.tiers.names,
            location=table.metadata.location,
            files=len(now),
            small=sum(int(file.file_size_in_bytes) < SMALL_BYTES for file in now),
            deletes=int(deletes or 0),
            bytes=sum(int(file.file_size_in_bytes) for file in now),
            all_files=len(files),
            all_bytes=sum(int(file.file_size_in_bytes) for file in files),
            snapshots=len(table.snapshots()),
            reads=sum(day > today() - _WINDOW for day in days),
            read_at=moment(days[-1]) if days else None,
            duplicates=self._duplicates(name, table, now),
            suggestion=(
                compacting(name, found)
                or self._moving(name, tier, days, since, table)
                or _expiring(name, table, now, files)
            )
            if is_written(table)
            else None,
        )

    def _duplicates(
        self, name: DatasetName, table: Table, now: Sequence[DataFile]
    ) -> list[Duplicate]:
        """Where files with the same content are, by the checksums that commits keep."""
        known = checksums_of(table)
        names = (file.file_path.rpartition("/")[2] for file in now)
        own = Counter(known[file] for file in names if file in known)
        found = {name.text: sum(count - 1 for count in own.values())}
        listed = self._store.tables()
        for entry in listed.entries if listed.is_told else ():
            if entry.name != name.text:
                with contextlib.suppress(MLInfraError):  # what cannot be read hides nothing else
                    checksums = _checksums(self._store.metadata(entry))
                    found[entry.name] = len(checksums & own.keys())
        return [Duplicate(dataset=key, files=count) for key, count in found.items() if count]

    def _moving(
        self, name: DatasetName, tier: str, days: Sequence[int], since: int | None, table: Table
    ) -> Suggestion | None:
        others = [other for other in self._store.tiers.names if other != tier]
        if not others:
            return None
        idle = today() - max([since or today(), *days[-1:]])
        age = (time.time() - table.metadata.last_updated_ms / 1000) / 86_400
        if tier == HOT and idle >= _WINDOW and age >= _WINDOW:
            return Suggestion(
                verb="move",
                why=f"Nobody has read or written it for {idle} days.",
                command=f"mlinfra catalog move {name.text} --tier {others[0]}",
            )
        busy = sum(day > today() - _WEEK for day in days)
        if tier != HOT and busy >= _BUSY_DAYS:
            return Suggestion(
                verb="move",
                why=f"It was read on {busy} of the last {_WEEK} days, from {tier}.",
                command=f"mlinfra catalog move {name.text} --tier {HOT}",
            )
        return None


def compacting(name: DatasetName, found: Plan) -> Suggestion | None:
    """Whether a compaction is worth it."""
    fewer = found.files - found.files_after
    deletes = any(task.delete_files for group in found.groups for task in group.tasks)
    if fewer < _FEWER and not deletes and not found.by_value:
        return None
    why = (
        f"Of its {found.files:,} files {fewer:,} are more than it needs: fewer are read faster."
        if fewer >= _FEWER
        else "Rows were deleted from its files, and every reader has to leave them out."
    )
    return Suggestion(verb="compact", why=why, command=f"mlinfra catalog compact {name.text} --yes")


def _expiring(
    name: DatasetName, table: Table, now: Sequence[DataFile], files: Sequence[DataFile]
) -> Suggestion | None:
    newest, every = (sum(int(file.file_size_in_bytes) for file in found) for found in (now, files))
    if every < _HISTORY * newest or len(table.snapshots()) < _SNAPSHOTS:
        return None
    return Suggestion(
        verb="expire",
        why=f"Its {len(table.snapshots()):,} snapshots keep {every / max(1, newest):.0f} times the"
        " bytes of the newest.",
        command=f"mlinfra catalog expire {name.text} --older-than 30d",
    )


def _files(table: Table, snapshots: Iterable[Snapshot]) -> Iterable[DataFile]:
    """The data files of these snapshots, each once."""
    from pyiceberg.manifest import DataFileContent

    manifests = {item for snapshot in snapshots for item in snapshot.manifests(table.io)}
    entries = (entry for item in manifests for entry in item.fetch_manifest_entry(table.io))
    found = {entry.data_file.file_path: entry.data_file for entry in entries}
    return (file for file in found.values() if file.content == DataFileContent.DATA)


def _checksums(metadata: records.Metadata) -> set[str]:
    """Of the files of all snapshots."""
    found = set[str]()
    for entry in metadata.get("snapshots", []):
        text = (entry.get("summary") or {}).get(records.CHECKSUMS)
        if text:
            found.update(json.loads(text).values())
    return found
