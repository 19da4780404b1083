"""What a schedule is, and what happened at each of its due times."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from ...core.errors import BadRequest
from .calendar import Calendar

Catchup = Literal["latest", "all", "none"]
Overlap = Literal["skip", "queue", "cancel"]
Cause = Literal["clock", "catchup", "hand"]
CATCHUPS: tuple[Catchup, ...] = ("latest", "all", "none")
OVERLAPS: tuple[Overlap, ...] = ("skip", "queue", "cancel")
GRACE_SECONDS = 6 * 3600.0
MAX_GRACE_DAYS = 366
TEMPLATES = ("date", "due")
"""What the parameters of a schedule may contain in braces."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ScheduleState(StrEnum):
    """Whether a schedule starts anything."""

    ACTIVE = "active"
    PAUSED = "paused"


class FiringState(StrEnum):
    """What happened to a due time. waiting: it will be started. failed: it could not be started.
    missed, skipped: it was not run.
    """

    WAITING = "waiting"
    STARTED = "started"
    MISSED = "missed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """When to start what. Exactly one of `pipeline` (name or path of its file) and `job` (fields of
    a JobSpec).

    cron: five fields, in the time zone `tz`. parameters: of the pipeline or the notebook; `{{ date
    }}` and `{{ due }}` stand for the due time in that zone. catchup: which missed due times (the
    machine was off) are run, if they are no older than `grace_seconds`. overlap: what happens to a
    due time while the previous run is running. `check_calendar` checks `cron` and `tz`: a zone that
    was known may be unknown later, or on another machine.
    """

    name: str
    cron: str
    tz: str = "UTC"
    pipeline: str | None = None
    job: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    catchup: Catchup = "latest"
    grace_seconds: float = GRACE_SECONDS
    overlap: Overlap = "skip"

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            rule = "A name has letters, digits, dot, - and _, and begins with a letter or digit."
            raise BadRequest(
                f"{self.name[:100]!r} cannot be the name of a schedule.",
                rule,
                "For example churn-daily",
            )
        if (self.pipeline is None) == (self.job is None):
            raise BadRequest(
                "A schedule starts one pipeline or one job.",
                "Both or neither were given.",
                "Name a pipeline, a notebook or a command.",
            )
        for name, value, allowed in (
            ("catchup", self.catchup, CATCHUPS),
            ("overlap", self.overlap, OVERLAPS),
        ):
            if value not in allowed:
                raise BadRequest(
                    f"{name} cannot be {value!r}.", f"It is one of {', '.join(allowed)}."
                )
        if not 0 <= self.grace_seconds <= MAX_GRACE_DAYS * 86_400:
            days = self.grace_seconds / 86_400
            shown = f"{days:g}d" if days > 1 else f"{self.grace_seconds:g}s"
            raise BadRequest(
                f"A grace of {shown} cannot be used.",
                f"It is from 0 to {MAX_GRACE_DAYS}d.",
                "For example 6h",
            )
        for values in (self.parameters, self.job or {}):
            try:
                json.dumps(values, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise BadRequest(
                    "A schedule keeps values of JSON only.",
                    f"{error}.",
                    "Give text, numbers, lists or mappings.",
                ) from None

    @property
    def calendar(self) -> Calendar:
        """Its due times. Raises as `check_calendar` does."""
        return Calendar(self.cron, self.tz)

    def check_calendar(self) -> None:
        """Raise BadRequest for an invalid cron text or zone."""
        Calendar(self.cron, self.tz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A due time. at: ISO 8601 with the offset of the zone. note: what the clocks do on that day,
    usually empty.
    """

    at: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimes:
    """What a cron text means: its next due times, or, if it is not `valid`, why it has none."""

    valid: bool
    reason: str
    items: Sequence[Due]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What happened to one due time. due: ISO 8601 with the zone's offset. cause: clock, catchup
    (it was missed before) or hand.

    reason: why it waits, was missed or skipped, or failed; for a started one, the reason of its run
    or job, and whether the run was continued. run, job: ids of what was started. outcome: its
    present state, empty before.
    """

    schedule: str
    due: str
    due_at: datetime
    cause: Cause
    state: FiringState
    reason: str
    run: str | None
    job: str | None
    outcome: str
    user: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule. what: `pipeline:NAME`, or the notebook or command of its job. next: five due
    times, ISO 8601 with the zone's offset; none during a pause.

    next_notes: for each of them what the clocks do on that day, usually empty. missed: due times of
    the last 30 days that were missed and that nobody has run by hand since. last: the newest
    firing. problem: why it starts nothing until it is changed, usually empty.
    """

    ref: str
    name: str
    state: ScheduleState
    cron: str
    tz: str
    what: str
    pipeline: str | None
    job: Mapping[str, Any] | None
    parameters: Mapping[str, Any]
    catchup: Catchup
    grace_seconds: float
    overlap: Overlap
    user: str
    created_at: datetime
    next: Sequence[str]
    next_notes: Sequence[str]
    missed: int
    last: Firing | None
    code: Mapping[str, str]
    problem: str = ""
