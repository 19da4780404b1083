"""The end of old snapshots: which may go, what is lost with them, and their files.

A snapshot stays while anything may need it. What its summary says of files that still count moves
into a property of the table, and its figures into the state database, before it goes. A file is
deleted after the commit, and only if it is in the table's own folder and no table needs it then.
Which ones go is noted before the commit, so that the next write deletes them after a kill.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Conflict
from ...core.events import telling
from ...core.processes import failpoint
from ...core.records import now
from .. import metadata as records
from ..abandoned import clean_up
from ..metadata import Metadata
from ..names import DatasetName
from ..pending import Attempt, Demand
from ..stores.versions import check_properties
from .files import NeededFile, NeededFiles
from .pins import TRAINING, users_of
from .spec import ExpiringSnapshot, ExpiryPlan

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from ...core.project import Project
    from ..spec import Snapshot
    from ..store import CatalogStore

OLDER_THAN, KEEP = timedelta(days=30), 10
_OLDEST = timedelta(days=36_600)
_SHOWN, _USERS_SHOWN, _ATTEMPTS = 500, 3, 8


@dataclass(frozen=True, slots=True)
class _Going:
    """What one look at the table found. reasons: why snapshots stay. files: those that are
    deleted. note: of others.
    """

    table: Table
    metadata: Metadata
    reasons: Mapping[int, str]
    ids: Sequence[int]
    files: Mapping[str, NeededFile]
    note: str = ""


class Expiry:
    """The old snapshots of one dataset. older_than: younger ones stay. keep: so many of the newest
    stay, whatever their age.
    """

    def __init__(
        self,
        project: Project,
        store: CatalogStore,
        name: DatasetName,
        *,
        older_than: timedelta = OLDER_THAN,
        keep: int = KEEP,
    ) -> None:
        if not timedelta(0) <= older_than <= _OLDEST or keep < 1:
            raise BadRequest(
                f"older_than={older_than}, keep={keep} is out of range.",
                "The newest snapshot always stays, and none is of the future.",
                f"Keep at least 1, older than 0 to {_OLDEST.days} days.",
            )
        self._project, self._store, self._name = project, store, name
        self._older_than, self._keep = older_than, keep

    def preview(self) -> ExpiryPlan:
        """What would go; nothing is changed."""
        with self._store.explained(f"{self._name.text} cannot be read."):
            return self._plan(self._look(self._store.load(self._name)), done=False)

    def expire(self) -> ExpiryPlan:
        """Let them go, and delete the files that nobody needs any more.

        Raises Conflict if other writers came first every time; nothing was changed then.
        """
        clean_up(self._store, self._name)
        with (
            self._store.lock(self._name),
            self._store.pending.attempt(self._name.text) as record,
        ):
            found = self._removed(record)
            if found.ids:
                failpoint("catalog-expired")
                found = self._deleted(found, record)
                self._tell(found)
            return self._plan(found, done=True)

    def _removed(self, record: Attempt) -> _Going:
        """What was found, when its snapshots are out of the table."""
        from pyiceberg.exceptions import CommitFailedException

        with self._store.explained(f"{self._name.text} was not changed."):
            for attempt in range(_ATTEMPTS):
                self._store.load(self._name)  # NotFound in our words
                found = self._look(self._store.open(self._name))
                if not found.ids:
                    return found
                try:
                    self._remove(found, record)
                except CommitFailedException:
                    time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 (spreads writers, keeps no secret)
                    continue
                return found
        record.ended()
        raise Conflict(
            f"No snapshot of {self._name.text} expired.",
            f"Other writers came first {_ATTEMPTS} times.",
            "Try again when fewer write to it; nothing was changed.",
        )

    def _look(self, table: Table) -> _Going:
        metadata = self._store.metadata_of(table)
        reasons = self._reasons(metadata, now())
        snapshots = table.snapshots()
        going = [item for item in snapshots if item.snapshot_id not in reasons]
        files: Mapping[str, NeededFile] = {}
        note = ""
        if going:
            needed = NeededFiles(table)
            kept = needed.of(item for item in snapshots if item.snapshot_id in reasons)
            files = {path: file for path, file in needed.of(going).items() if path not in kept}
            files, note = _ours(table, files)
        return _Going(table, metadata, reasons, [item.snapshot_id for item in going], files, note)

    def _reasons(self, metadata: Metadata, at: datetime) -> Mapping[int, str]:
        """Why each snapshot stays that does."""
        current = metadata.get("current-snapshot-id")
        newest = [entry["snapshot-id"] for entry in records.ancestors(metadata, current)]
        refs = records.refs_of(metadata)
        users = users_of(self._name, self._project, self._store)
        since = (at - self._older_than).timestamp() * 1000
        reasons = {}
        for entry in metadata.get("snapshots", []):
            number = entry["snapshot-id"]
            if number == current:
                reasons[number] = "It is the newest state."
            elif number in refs:
                reasons[number] = _named(refs[number])
            elif number in users:
                reasons[number] = _used([*users[number]])
            elif number in newest[: self._keep]:
                reasons[number] = f"It is one of the newest {self._keep}."
            elif entry["timestamp-ms"] >= since:
                reasons[number] = f"It is younger than {_days(self._older_than)}."
        return reasons

    def _remove(self, found: _Going, record: Attempt) -> None:
        """Take the snapshots out of the table, in one commit."""
        from pyiceberg.exceptions import CommitFailedException
        from pyiceberg.table.update import RemoveSnapshotsUpdate

        from .removal import keep_figures, refs_of, same_refs

        keep_figures(self._project, self._name, found.metadata, set(found.ids))
        update = RemoveSnapshotsUpdate.model_validate({"snapshot-ids": list(found.ids)})
        check_properties(found.table, f"No snapshot of {self._name.text} expired.")
        transaction = found.table.transaction()
        transaction.set_properties({records.EXPIRED: json.dumps(_still_said(found))})
        transaction._apply((update,), same_refs(found.table))
        failpoint("catalog-expiring")
        if refs_of(self._now()) != refs_of(found.table):
            raise CommitFailedException("A tag or branch has changed meanwhile")
        record.deletes(found.files)
        record.asks(Demand.on(found.table.metadata))
        try:
            transaction.commit_transaction()
        except Exception:
            # Its answer may be lost. If it lands later, files stay that nobody needs: no harm.
            if set(found.ids) & {item.snapshot_id for item in self._now().snapshots()}:
                raise

    def _deleted(self, found: _Going, record: Attempt) -> _Going:
        """Delete the files. The snapshots have expired, so that an error is told, not raised."""
        from .removal import delete

        gone, note = list[str](), found.note
        try:
            with self._store.explained("Its files were not deleted."):
                delete(self._project, self._store, found.table, found.files, gone)
            record.ended()
        except Exception as error:  # noqa: BLE001  # whatever it is, the commit is made
            left = len(found.files) - len(gone)
            note = (
                f"{note} The snapshots have expired, but {left:,} files could not be deleted:"
                f" mlinfra catalog clean {self._name.text}. {error}"
            ).strip()
        return replace(found, files={path: found.files[path] for path in gone}, note=note)

    def _now(self) -> Table:
        return self._store.open(self._name)

    def _tell(self, found: _Going) -> None:
        with telling(f"{len(found.ids)} snapshots of {self._name.text} have expired"):
            facts = {"expired": len(found.ids), "files": len(found.files)}
            self._project.events.emit("dataset", self._name.ref, facts)

    def _plan(self, found: _Going, *, done: bool) -> ExpiryPlan:
        listed = records.snapshots(self._name, found.metadata)
        rows = sum(file.rows for file in found.files.values())
        gone = [item for item in listed if int(item.id) not in found.reasons]
        return ExpiryPlan(
            dataset=self._name.text,
            snapshots=[_line(item, found.reasons) for item in listed[:_SHOWN]],
            shown=len(listed[:_SHOWN]),
            total=len(listed),
            expires=len(gone),
            files=len(found.files),
            bytes=sum(file.bytes for file in found.files.values()),
            rows=rows,
            lost=[*_lost(gone, rows), *_recipes(found.metadata, gone)],
            note=found.note,
            done=done,
        )


def _line(item: Snapshot, reasons: Mapping[int, str]) -> ExpiringSnapshot:
    return ExpiringSnapshot(
        id=item.id,
        at=item.at,
        operation=item.operation,
        rows=item.rows,
        refs=item.refs,
        kept_because=reasons.get(int(item.id), ""),
    )


def _lost(gone: Sequence[Snapshot], rows: int) -> list[str]:
    if not gone:
        return []
    first, last = gone[-1].at, gone[0].at
    states = (
        f"The state of {_time(last)} cannot be read, compared or restored any more."
        if len(gone) == 1
        else f"{len(gone):,} states, of {_time(first)} to {_time(last)}, cannot be read,"
        " compared or restored any more."
    )
    return [states, *([f"Files with {rows:,} rows that no other state has."] if rows else [])]


def _recipes(metadata: Metadata, gone: Sequence[Snapshot]) -> list[str]:
    """The stored training sets among the states that go."""
    going = {int(item.id) for item in gone}
    made = [
        str(entry["snapshot-id"])
        for entry in metadata.get("snapshots", [])
        if entry["snapshot-id"] in going and TRAINING in (entry.get("summary") or {})
    ]
    if not made:
        return []
    more = len(made) - _USERS_SHOWN
    return [
        f"Stored training sets that cannot be rebuilt any more: {', '.join(made[:_USERS_SHOWN])}"
        f"{f' and {more:,} more' if more > 0 else ''}. A tag keeps one."
    ]


def _still_said(found: _Going) -> dict[str, Any]:
    """What the snapshots that go say of files that stay: which were brought in, and checksums."""
    metadata, going = found.metadata, set(found.ids)
    before = records.expired(metadata.get("properties", {}))
    sha256 = dict(before["sha256"])
    for entry in metadata["snapshots"]:
        if entry["snapshot-id"] in going:
            sha256 |= json.loads((entry.get("summary") or {}).get(records.CHECKSUMS, "{}"))
    gone = {path.rpartition("/")[2] for path in found.files}
    sha256 = {file: checksum for file, checksum in sha256.items() if file not in gone}
    for entry in records.ancestors(metadata, metadata["current-snapshot-id"]):
        parent = entry.get("parent-snapshot-id")
        if parent in going:
            files = records.files_at(metadata, parent)
            return {"before": entry["snapshot-id"], "files": files, "sha256": sha256}
    return {**before, "sha256": sha256}


def _ours(table: Table, files: Mapping[str, NeededFile]) -> tuple[Mapping[str, NeededFile], str]:
    """The files that may be deleted, and what is to be known of the others."""
    from .removal import keeps_files, own_files

    if keeps_files(table):
        return {}, "Its property gc.enabled is false, so its files stay: no file is deleted."
    own = own_files(table, files)
    others = len(files) - len(own)
    return own, f"{others:,} files outside of its folder stay." if others else ""


def _named(refs: Mapping[str, str]) -> str:
    return "; ".join(f"{kind.capitalize()} {name} names it" for name, kind in refs.items()) + "."


def _used(users: Sequence[str]) -> str:
    more = len(users) - _USERS_SHOWN
    return f"Used by {', '.join(users[:_USERS_SHOWN])}{f' and {more} more' if more > 0 else ''}."


def _days(span: timedelta) -> str:
    days = span.total_seconds() / 86_400
    return f"{days:g} days" if days >= 1 else f"{span}"


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes").replace("+00:00", " UTC")
