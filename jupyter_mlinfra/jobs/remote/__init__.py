"""What backends have in common whose jobs run on other machines. A *follower*, one detached process
per project and backend, sends waiting jobs, lists all its jobs in one call, and records their
states.

A *guard* runs beside each job on the remote machine: it takes the attempt, passes signals on, ends
leftovers and stores the exit code. Each backend implements `Remote`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ...core.passwords import without_passwords
from ..queue.rows import JobEntry
from ..spec import JobState

GUARD = f"{__name__}.guard"
"""The module that runs beside each job."""


@dataclass(eq=False)
class _Failure(Exception):
    message: str

    def __post_init__(self) -> None:
        self.message = without_passwords(self.message)  # they become the reason of jobs


class Unreachable(_Failure):
    """The remote side did not answer, or not in a readable way. Says nothing about any job; a
    request may have been carried out.
    """


class Rejected(_Failure):
    """The remote side will never take such a job, and has not."""


class NotNow(_Failure):
    """The remote side answered, but does not do this now: a limit is reached, it is under
    maintenance, a permission is missing. Says nothing about other jobs.
    """


class Stage(StrEnum):
    """How far the remote side has come with a job."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It exists; its state cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A job as the remote side shows it.

    key: what it was sent with. reason: why it waits, or why it ended if the job itself was not the
    cause. code: exit code, None if unknown. asked: what the remote side did with it: failed (at its
    time limit), cancelled, queued (preempted). restarts: how often the remote side has restarted it
    on its own. rank: its place among jobs of other priorities, as `Remote.rank` has it. starts_at:
    when it may start. node: where it runs.
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
    """A job to be sent. key: never used before. attempt: number of its first start. folder: of that
    attempt, with its order.
    """

    entry: JobEntry
    key: str
    attempt: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that are sent in one call: a single one, or elements of an array, which differ only in
    their orders. environment: of all of them; holds secrets.
    """

    name: str
    attempt: int
    parcels: Sequence[Parcel]
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the remote side is now. name: the same wherever it is asked; empty if unknown. most:
    elements of an array that one call may send.
    """

    name: str = ""
    most: int = 1000


class Remote(Protocol):
    """The remote side. Every question is one call for all jobs; all but `rank` raise Unreachable,
    and requests for changes NotNow.
    """

    poll_seconds: float
    """Seconds between two looks while there are jobs."""

    def cluster(self) -> Cluster:
        """Which cluster this is: settings and files of other people may lead to another one than
        yesterday. Called only when jobs are sent or missing.
        """

    def look(self) -> Sequence[Sighting]:
        """All jobs of this project that it lists, including ended ones for as long as it keeps
        them.
        """

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:
        """Jobs that `look` does not list, as far as it knows them by their ids, including those
        that have not ended.
        """

    def send(self, batch: Batch) -> Sequence[str]:
        """Take jobs; returns their ids in the given order. Raises Rejected if it will never take
        them.
        """

    def end(self, sightings: Sequence[Sighting]) -> None:
        """End these: waiting ones at once, the others through their guard. May be called again."""

    def forget(self, sightings: Sequence[Sighting]) -> None:
        """These have ended, and that is recorded: it need not list them any longer."""

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        """Keep waiting jobs from starting, or let them."""

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        """Move waiting jobs in its queue."""

    def rank(self, priority: int) -> int | None:
        """What `Sighting.rank` shows for a job with this priority; None if the remote side has no
        priorities.
        """
