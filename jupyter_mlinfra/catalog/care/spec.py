"""The records of the care of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A file in the folder of a table. why: why nobody needs it, or why it is kept all the same."""

    file: str
    bytes: int
    age_hours: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarePlan:
    """What a clean-up or a compaction does to one dataset, or would do.

    files_before, files_after: data files of the newest snapshot; estimated before it is done.
    bytes: of the files that are deleted, or that are written again. orphans: files that nobody
    needs, the largest first; `kept`, those of which that is not certain; of each at most 500.
    orphans_total, kept_total: how many there are; `more`: of both, those that are not shown.
    snapshot: the one that was made. done: whether it was done.
    """

    dataset: str
    files_before: int
    files_after: int
    bytes: int
    orphans: Sequence[Orphan] = ()
    kept: Sequence[Orphan] = ()
    orphans_total: int = 0
    kept_total: int = 0
    more: int = 0
    snapshot: str | None = None
    note: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A dataset in another tier. files, bytes: that were copied, those of all its snapshots. note:
    what becomes of the old ones. undo: the command that moves it back.
    """

    dataset: str
    tier: str
    files: int
    bytes: int
    snapshots: int
    location: str
    snapshot: str | None
    note: str = ""
    undo: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A dataset that is not in the catalog any more. files: the folder of its files. trash: its
    number there, until when it can be restored, and the command that does so; None and empty for
    what was registered in place, which is only forgotten.
    """

    deleted: str
    files: str
    trash: int | None = None
    until: datetime | None = None
    undo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trashed:
    """A deleted dataset. until: when its files may be deleted."""

    id: int
    name: str
    rows: int | None
    bytes: int | None
    at: datetime
    user: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Data files that another dataset has too, byte by byte; or that this one has twice."""

    dataset: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What could be done for a dataset: why, in words, and the command."""

    verb: str
    why: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How a dataset is kept.

    tier, tiers: where it is, and where it can be. files, bytes: data files of the newest snapshot;
    small: those below 32 MiB; deletes: files that list deleted rows. all_files, all_bytes: with
    those of earlier snapshots. reads: days of the last 30 on which it was read; read_at: the last
    one, None if none is known. suggestion: at most one.
    """

    dataset: str
    tier: str
    tiers: Sequence[str]
    location: str
    files: int
    small: int
    deletes: int
    bytes: int
    all_files: int
    all_bytes: int
    snapshots: int
    reads: int
    read_at: datetime | None
    duplicates: Sequence[Duplicate]
    suggestion: Suggestion | None
