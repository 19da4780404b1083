"""The versions of a Delta table in place, as its log tells them. Whoever writes the table keeps
them and lets them go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import NotFound
from ...core.records import Number
from ..spec import Snapshot
from ..time.travel import moment_of
from .placed import DELTA, Found, Place

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from ..names import DatasetName

_COMMIT = re.compile(r"/(\d{20})\.json$")
_CHECKPOINT = re.compile(r"/(\d{20})\.checkpoint[^/]*$")
_AT_ONCE = 8
_ADDED = ("num_added_rows", "num_target_rows_inserted", "numTargetRowsInserted", "numOutputRows")
_REMOVED = (
    "num_deleted_rows",
    "num_target_rows_deleted",
    "numTargetRowsDeleted",
    "numDeletedRows",
)
_KEEPS_ROWS = ("OPTIMIZE", "UPDATE")
_FILES_REMOVED = ("num_removed_files", "numRemovedFiles")


@dataclass(frozen=True, slots=True)
class _Commit:
    number: int
    said: Mapping[str, Any]
    at: datetime


def snapshots_of(name: DatasetName, place: Place) -> list[Snapshot]:
    """The versions that can still be opened, newest first. Raises NotFound without a log."""
    commits = _commits(place)
    return [
        Snapshot(
            ref=f"{name.ref}@{commit.number}",
            id=str(commit.number),
            parent=str(commit.number - 1) if commit.number else None,
            at=commit.at,
            operation=str(commit.said.get("operation", "unknown")).lower(),
            rows=Number(value=None),
            added=_rows(commit, _ADDED),
            removed=None if _is_silent(commit) else _rows(commit, _REMOVED),
            written_by=_writer(commit.said),
        )
        for commit in commits
    ]


def version_at(name: DatasetName, place: Place, word: str) -> int:
    """The version that was the newest at a time: see `time.travel.moment_of`. Raises NotFound if it
    is not kept any more, or for a tag, which Delta tables do not have.
    """
    if not word[:1].isdigit():
        raise NotFound(
            f"{name.text} has no tag or branch {word!r}.",
            "Versions of a Delta table have numbers and times.",
            f"mlinfra catalog snapshots {name.text}",
        )
    moment, commits = moment_of(word), _commits(place)
    found = next((commit for commit in commits if commit.at <= moment), None)
    if found is None:
        raise NotFound(
            f"{name.text} has no version of {moment.isoformat()}.",
            f"The earliest that its log still has is of {commits[-1].at.isoformat()}."
            if commits
            else "Its log has none.",
            f"mlinfra catalog snapshots {name.text}",
        )
    return found.number


def opened(name: DatasetName, place: Place, version: int | None) -> DeltaTable:
    """The table at a version, the newest if None. Raises NotFound for one that is not kept, or
    whose data files are gone.
    """
    from deltalake import DeltaTable

    options = place.options
    if version is None:
        return DeltaTable(place.location, storage_options=options)
    kept = [found.number for found in _kept(place.files(DELTA))]
    if version not in kept:
        raise NotFound(
            f"{name.text} has no version {version}.",
            f"Its log has those from {kept[-1]} to {kept[0]}." if kept else "Its log has none.",
            f"mlinfra catalog snapshots {name.text}",
        )
    table = DeltaTable(place.location, version=version, storage_options=options)
    if version != kept[0] and (gone := place.missing(table.file_uris())):
        raise NotFound(
            f"Version {version} of {name.text} cannot be read any more.",
            f"{len(gone):,} of its data files were removed (VACUUM), such as"
            f" {gone[0].rpartition('/')[2]}.",
            f"Take a later one: mlinfra catalog snapshots {name.text}",
        )
    return table


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    file: Found


def _kept(log: Sequence[Found]) -> list[_Kept]:
    """The versions that can be made from the files of a log, newest first: all commits since a
    checkpoint, or since the first one, are there.
    """
    commits = {int(found[1]): file for file in log if (found := _COMMIT.search(file.place))}
    points = {int(found[1]) for file in log if (found := _CHECKPOINT.search(file.place))}
    last, kept = -1, list[_Kept]()
    for number in sorted({*commits, *points}):
        if number in points or (number == last + 1 and number in commits):
            last = number
            if number in commits:
                kept.append(_Kept(number, commits[number]))
    return kept[::-1]


def _commits(place: Place) -> list[_Commit]:
    """The commits of the versions that are kept, newest first."""
    place = place.alone()

    def read(kept: _Kept) -> _Commit:
        said: Mapping[str, Any] = {}
        with place.opened(kept.file) as file:
            for line in file.read().splitlines():
                if b'"commitInfo"' in line and "commitInfo" in (action := json.loads(line)):
                    said = action["commitInfo"]
                    break
        millis = said.get("inCommitTimestamp") or said.get("timestamp")
        seconds = millis / 1000 if isinstance(millis, int) else kept.file.changed
        return _Commit(kept.number, said, datetime.fromtimestamp(seconds, UTC))

    with ThreadPoolExecutor(_AT_ONCE if place.far else 1) as pool:
        return list(pool.map(read, _kept(place.files(DELTA))))


def _rows(commit: _Commit, names: Sequence[str]) -> int:
    """Rows that a commit says it added or removed; 0 if it says none."""
    metrics = commit.said.get("operationMetrics") or {}
    if commit.said.get("operation") in _KEEPS_ROWS:
        return 0
    found = [metrics[name] for name in names if str(metrics.get(name, "")).isdigit()]
    return int(found[0]) if found else 0


def _is_silent(commit: _Commit) -> bool:
    """Whether a commit wrote over others and says of no file that it removed how many rows went."""
    asked = commit.said.get("operationParameters") or {}
    metrics = commit.said.get("operationMetrics") or {}
    none_went = any(str(metrics.get(name)) == "0" for name in _FILES_REMOVED)
    is_known = none_went or any(str(metrics.get(name, "")).isdigit() for name in _REMOVED)
    return commit.number > 0 and asked.get("mode") == "Overwrite" and not is_known


def _writer(said: Mapping[str, Any]) -> str:
    """Who made a commit, as far as it says: the user, else the program."""
    for key in ("userName", "userId", "engineInfo", "clientVersion"):
        if word := said.get(key):
            return str(word)
    return ""
