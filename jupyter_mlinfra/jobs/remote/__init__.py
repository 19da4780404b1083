"""Backends whose jobs run elsewhere: what they have in common.

A *follower*, one detached process per project and backend, sends what waits, looks at all its jobs
in one call, and writes down what it sees. A *guard* runs beside each job on the far machine: it
takes the attempt, passes signals on, ends what is left over and keeps the exit code. What a backend
has to say for itself is `Remote`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ...core.passwords import without_passwords
from ..queue.rows import Entry
from ..spec import JobState

GUARD = f"{__name__}.guard"
"""The module that runs beside each job."""


@dataclass(eq=False)
class _Words(Exception):
    words: str

    def __post_init__(self) -> None:
        self.words = without_passwords(self.words)  # they become the reason of jobs


class Unreachable(_Words):
    """The far side did not answer, or not in words that can be read. Says nothing of any job; what
    was asked for may have been done.
    """


class Rejected(_Words):
    """The far side will never take such a job, and has not."""


class NotNow(_Words):
    """The far side answered, and does not do this now: a limit is reached, it is being maintained,
    a right is missing. Says nothing of other jobs.
    """


class Stage(StrEnum):
    """How far the far side has come with a job."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It is there; how it stands cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A job as the far side shows it.

    key: what it was sent with. reason: why it waits, or why it ended where that is not its own
    doing. code: exit code, None when unknown. asked: what somebody on the far side made of it:
    failed (at its time limit), cancelled, queued (its place was taken). restarts: how often the far
    side has started it again by itself. rank: its place among jobs of other priorities, as
    `Remote.rank` has it. starts_at: when it may start. node: where it runs.
    """

    remote: str
    key: str
    stage: Stage
    reason: str = ""
    code: int | None = None
    asked: JobState | None = None
    restarts: int = 0
    held: bool = False
    rank: int | None = None
    starts_at: datetime | None = None
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A job to be sent. key: never used before. attempt: number that its first start has. folder:
    of that attempt, where its order lies.
    """

    entry: Entry
    key: str
    attempt: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that are sent in one call: one, or elements of an array, which differ only in their
    orders. environment: of all of them; holds secrets.
    """

    name: str
    attempt: int
    parcels: Sequence[Parcel]
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the far side is now. name: the same wherever it is asked for; empty where it cannot be
    told. most: elements of an array that one call may send.
    """

    name: str = ""
    most: int = 1000


class Remote(Protocol):
    """The far side. Every question is one call for all jobs; all but `rank` raise Unreachable, and
    what asks for a change NotNow.
    """

    poll_seconds: float
    """Between two looks while jobs are there."""

    def cluster(self) -> Cluster:
        """Which cluster is asked: settings and other people's files may lead to another one than
        yesterday. Only asked when jobs are sent or missing.
        """

    def look(self) -> Sequence[Sighting]:
        """All jobs of this project that it shows, ended ones for as long as it does."""

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:
        """Jobs that `look` does not show, as far as it knows them when it is asked for them by
        their ids: also such as have not ended.
        """

    def send(self, batch: Batch) -> Sequence[str]:
        """Take jobs; their ids in the order given. Raises Rejected when it will never take them."""

    def end(self, sightings: Sequence[Sighting]) -> None:
        """Have these end: those that wait at once, the others as their guard does it. May be called
        again.
        """

    def forget(self, sightings: Sequence[Sighting]) -> None:
        """These have ended, and that is written down: it need not show them any longer."""

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        """Keep waiting jobs from starting, or let them."""

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        """Move waiting jobs in its queue."""

    def rank(self, priority: int) -> int | None:
        """What `Sighting.rank` shows of a job with this priority; None where the far side knows no
        priorities.
        """
