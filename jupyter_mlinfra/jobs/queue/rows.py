"""Rows of the table of jobs as records."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache

from ...core.processes import Identity
from ...core.records import Basis, Number, now
from ..needs import asked
from ..snippets import job_code
from ..spec import Array, Job, JobSpec, JobState, is_variable
from ..state import FINAL

_TOGETHER = (
    JobState.RUNNING,
    JobState.STARTING,
    JobState.QUEUED,
    JobState.FAILED,
    JobState.LOST,
    JobState.CANCELLED,
    JobState.SUCCEEDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a job on this machine. folder: absolute. command: with the script replaced by
    its frozen copy.

    python: interpreter of the notebook runner. environment: file with the submitter's environment,
    see `environment`. kernel: the notebook's; empty if no warm one can be used.
    """

    folder: str
    command: Sequence[str]
    python: str
    environment: str
    kernel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEntry:
    """A job with its backend's fields. process: of the present attempt, None before it is known.
    failures: those that count.

    remote: its id in the backend; empty while it is being sent and its arrival is uncertain.
    """

    number: int
    job: Job
    spec: JobSpec
    launch: Launch
    token: str
    process: Identity | None
    failures: int
    requeues: int
    cancelled_by: str
    requeued_by: str
    remote: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued job with the fields that decide whether it starts. memory_gib: 0 if it reserves
    none. minutes: its time limit.

    part_of, place: of an element, its array and index.
    """

    id: str
    cpus: int
    gpus: float
    gpu_type: str | None
    memory_gib: float
    minutes: float | None
    reason: str
    part_of: str | None = None
    place: int | None = None


def entry_of(row: sqlite3.Row) -> JobEntry:
    spec = spec_of(row["spec"])
    process = Identity(row["boot"], row["pid"], row["start"]) if row["pid"] is not None else None
    return JobEntry(
        number=row["number"],
        job=_job(row, spec),
        spec=spec,
        launch=_launch_of(row["launch"]),
        token=row["token"] or "",
        process=process,
        failures=row["failures"],
        requeues=row["requeues"],
        cancelled_by=row["cancelled_by"],
        requeued_by=row["requeued_by"],
        remote=row["remote"],
    )


@lru_cache(maxsize=256)  # a job is read ten times from its submit to its end
def spec_of(text: str) -> JobSpec:
    values = json.loads(text)
    for name in ("memory_gib", "time_limit_minutes"):
        if not math.isfinite(values.get(name) or 0):  # earlier versions accepted NaN and infinity
            values[name] = None
    for variables in (
        values.get("environment", {}),
        *(values.get("array", ()) if values.get("command") else ()),
    ):
        for name in [name for name in variables if not is_variable(name)]:
            del variables[name]  # earlier versions accepted names that no shell passes on
    return JobSpec(**values)


@lru_cache(maxsize=256)
def _launch_of(text: str) -> Launch:
    return Launch(**json.loads(text))


def _job(row: sqlite3.Row, spec: JobSpec) -> Job:
    started, ended, ident = moment(row["started_at"]), moment(row["ended_at"]), str(row["id"])
    elapsed = max(0.0, ((ended or now()) - started).total_seconds()) if started else None
    # A running job's progress is its own estimate; for one that has ended it is the last report.
    basis: Basis = "exact" if row["state"] in FINAL else "est"
    progress = Number(value=row["progress"], basis=basis) if row["progress"] is not None else None
    return Job(
        id=ident,
        ref=f"job:{ident}",
        name=row["name"],
        state=JobState(row["state"]),
        reason=row["reason"],
        exit_code=row["exit_code"],
        **asked(spec) | {"backend": row["backend"]},
        user=row["user"],
        notebook=spec.notebook,
        command=spec.command,
        parameters=spec.parameters,
        gpu_ids=json.loads(row["gpu_ids"]),
        priority=row["priority"],
        attempt=row["attempt"],
        submitted_at=datetime.fromtimestamp(row["submitted_at"], UTC),
        started_at=started,
        ended_at=ended,
        elapsed_seconds=elapsed,
        progress=progress,
        progress_text=row["progress_text"],
        output=spec.output,
        snapshot=row["snapshot"],
        labels=spec.labels,
        checkpoints=spec.checkpoints,
        remote=row["remote"] or None,
        part_of=row["part_of"],
        index=row["place"],
        held_by=row["held_by"],
        code=job_code(ident),
    )


def array_of(
    first: JobEntry,
    states: Mapping[str, int],
    *,
    at_once: int | None,
    reason: str,
    held_by: str,
    priority: int,
    started_at: float | None,
    ended_at: float | None,
    elements: Sequence[str] = (),
) -> Job:
    """An array as one job: its first element's record with the common state of all. reason,
    held_by, priority: of the next element that waits.

    It runs while one does, waits while one waits; once all have ended it has the worst state.
    """
    job, size, over = first.job, sum(states.values()), sum(states.get(state, 0) for state in FINAL)
    state = next(state for state in _TOGETHER if states.get(state) or state is JobState.SUCCEEDED)
    ident, started, end = (
        job.part_of or job.id,
        moment(started_at),
        moment(ended_at) if state in FINAL else None,
    )
    return replace(
        job,
        id=ident,
        ref=f"job:{ident}",
        name=job.name.rpartition("/")[0],
        state=state,
        reason=reason,
        held_by=held_by,
        priority=priority,
        exit_code=None,
        parameters={},
        gpu_ids=(),
        started_at=started,
        ended_at=end,
        elapsed_seconds=max(0.0, ((end or now()) - started).total_seconds()) if started else None,
        progress=Number(value=over / size),
        progress_text=f"{over} of {size} have ended",
        output=None,
        remote=None,
        part_of=None,
        index=None,
        array=Array(size=size, max_parallel=at_once, states=dict(states), elements=elements),
        code=job_code(ident, array=True),
    )


def shown_id(job: Job) -> str:
    """A job's name in lists: an element by its array and index, since no list shows its own id."""
    return job.id if job.part_of is None else f"{job.part_of}/{job.index}"


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def dump(record: JobSpec | Launch) -> str:
    """As JSON, field by field: `asdict` copies everything in them, for which a submit has
    no time.
    """
    return json.dumps({field.name: getattr(record, field.name) for field in fields(record)})
