"""Rows of the tables of schedules as records."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ...core.errors import BadRequest
from ...core.records import from_seconds
from .spec import Cause, FiringState, ScheduleSpec, ScheduleState


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """A schedule with its internal fields. handled_until: every due time up to here has its row."""

    number: int
    spec: ScheduleSpec
    state: ScheduleState
    user: str
    created_at: datetime
    handled_until: datetime

    @property
    def problem(self) -> str:
        """Why it has no due times: usually its zone is not known here, or no longer.
        Usually empty.
        """
        try:
            self.spec.check_calendar()
        except BadRequest as error:
            return f"{error.what} {error.why}"
        return ""

    @property
    def zone(self) -> tzinfo:
        """The zone for showing its times; UTC if its own is not known."""
        return UTC if self.problem else ZoneInfo(self.spec.tz)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringEntry:
    """What happened to one due time. user: who started it by hand. reason: for a started one only
    that its run was continued.
    """

    number: int
    due: datetime
    cause: Cause
    state: FiringState
    reason: str
    run: str | None
    job: str | None
    user: str
    started_at: datetime | None

    @property
    def key(self) -> str:
        """Idempotency key of what it starts; firings are never renumbered."""
        return f"schedule-firing/{self.number}"

    @property
    def resumed(self) -> bool:
        """Whether its run lost its driver and was continued: then its long duration is not its own
        fault.
        """
        return self.state is FiringState.STARTED and bool(self.reason)


def columns_of(spec: ScheduleSpec) -> dict[str, Any]:
    """The columns that hold a specification, apart from its name."""
    return {
        "cron": spec.cron,
        "tz": spec.tz,
        "pipeline": spec.pipeline,
        "job": None if spec.job is None else json.dumps(dict(spec.job)),
        "parameters": json.dumps(dict(spec.parameters)),
        "catchup": spec.catchup,
        "grace_seconds": spec.grace_seconds,
        "overlap": spec.overlap,
    }


def schedule_entry(row: sqlite3.Row) -> ScheduleEntry:
    """A schedule from its row."""
    names = ("name", "cron", "tz", "pipeline", "catchup", "grace_seconds", "overlap")
    plain: dict[str, Any] = {name: row[name] for name in names}
    job = None if row["job"] is None else json.loads(row["job"])
    return ScheduleEntry(
        number=row["number"],
        spec=ScheduleSpec(**plain, job=job, parameters=json.loads(row["parameters"])),
        state=ScheduleState(row["state"]),
        user=row["user"],
        created_at=from_seconds(row["created_at"]),
        handled_until=from_seconds(row["handled_until"]),
    )


def firing_entry(row: sqlite3.Row) -> FiringEntry:
    """A firing from its row."""
    return FiringEntry(
        number=row["number"],
        due=from_seconds(row["due"]),
        cause=row["cause"],
        state=FiringState(row["state"]),
        reason=row["reason"],
        run=row["run"],
        job=row["job"],
        user=row["by_user"],
        started_at=from_seconds(row["started_at"]),
    )
