"""Changes to rows of the queue, each with its event, on the caller's connection. Only `write`
changes a state.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core import events
from ...core.display import encodable
from ...core.errors import Conflict
from ...core.records import now
from ..spec import Job, JobState
from ..state import ACTIVE, FINAL, advance
from . import queries
from .queries import read
from .rows import JobEntry, dump, entry_of, seconds, shown_id

_LATER = (
    "SELECT job.id FROM job_after JOIN job ON job.number = job_after.job WHERE job_after.before = ?"
    " AND job.state = '{}'"
)
"""Jobs in a state that start after another one."""


def step(
    connection: sqlite3.Connection,
    entry: JobEntry,
    to: JobState,
    *,
    reason: str = "",
    exit_code: int | None = None,
    counted: bool = False,
    asked: bool = False,
    **columns: Any,
) -> JobEntry:
    """Move a job, unless something else was requested meanwhile."""
    job = entry.job.id
    if to is JobState.QUEUED and entry.cancelled_by:
        return write(
            connection,
            entry,
            JobState.CANCELLED,
            reason=f"Cancelled by {entry.cancelled_by}.",
            exit_code=exit_code,
        )
    if to is JobState.STARTING and entry.job.held_by and "held_by" not in columns:
        raise Conflict(
            f"Job {job} is on hold.",
            f"{entry.job.held_by} holds it.",
            f"mlinfra jobs release {job}",
        )
    columns["failures"] = entry.failures + counted
    columns["requeues"] = entry.requeues + asked
    return write(connection, entry, to, reason=reason, exit_code=exit_code, **columns)


def request(
    connection: sqlite3.Connection, entry: JobEntry, column: str, user: str, reason: str
) -> Job:
    """Request the end of an active job; a waiting one that is cancelled ends at once, unless it was
    sent on.
    """
    if entry.job.state is JobState.QUEUED and column == "cancelled_by" and entry.remote is None:
        return write(connection, entry, JobState.CANCELLED, reason=unstarted(entry, user)).job
    # It was sent on: its follower must take it back.
    sent_on = entry.job.state is JobState.QUEUED and column == "cancelled_by"
    if (entry.job.state in ACTIVE or sent_on) and not entry.cancelled_by:
        return change(connection, entry, reason=reason, **{column: user})
    return entry.job


def unstarted(entry: JobEntry, user: str) -> str:
    """Why a waiting job has ended; a requeued one may have run before."""
    return f"Cancelled by {user} before it started{' again' if entry.job.attempt else ''}."


def requeue(connection: sqlite3.Connection, entry: JobEntry, user: str, environment: str) -> Job:
    job = entry.job
    if job.state is JobState.SUCCEEDED:
        raise Conflict(
            f"Job {job.id} succeeded.",
            "A job that succeeded is not run again.",
            f"mlinfra jobs clone {job.id} submits another like it.",
        )
    if job.state not in FINAL:
        return request(connection, entry, "requeued_by", user, f"Is being requeued by {user}.")
    return _queue_again(connection, entry, environment, f"Requeued by {user}.", held_by="")


def restore(
    connection: sqlite3.Connection, entry: JobEntry, user: str, environment: str
) -> list[Job]:
    """Undo the cancel of a job: it is queued again in its place, held if it was, and so are the
    jobs that were cancelled with it, directly or not.

    A later job stays cancelled if another one that it waits for can no longer succeed.
    """
    restored = [_restore_one(connection, entry, user, environment)]
    unvisited = [entry]
    while unvisited:
        earlier = unvisited.pop(0)
        for row in connection.execute(_LATER.format("cancelled"), (earlier.number,)).fetchall():
            later = read(connection, row["id"])
            if later.job.reason == _why_given_up(earlier.job):
                with contextlib.suppress(Conflict):
                    restored.append(_restore_one(connection, later, user, environment))
                    unvisited.append(later)
    return restored


def _restore_one(
    connection: sqlite3.Connection, entry: JobEntry, user: str, environment: str
) -> Job:
    held = entry.job.held_by
    return _queue_again(
        connection,
        entry,
        environment,
        held_reason(held) if held else f"Its cancel was undone by {user}.",
    )


def held_reason(user: str) -> str:
    """Why a held job waits."""
    return f"Held by {user}; `release` lets it start."


def _queue_again(
    connection: sqlite3.Connection, entry: JobEntry, environment: str, reason: str, **columns: Any
) -> Job:
    """Move a job back into the queue, behind the jobs that it starts after. Raises Conflict if one
    of those can no longer succeed.
    """
    launch = dump(replace(entry.launch, environment=environment))
    earlier = connection.execute(
        "SELECT id FROM job JOIN job_after ON before = number WHERE job_after.job = ? AND state !="
        " 'succeeded'",
        (entry.number,),
    )
    names = [row["id"] for row in earlier.fetchall()]
    queries.before(connection, names)  # what did not succeed must be run again first
    if names:
        reason = f"{reason} Starts after {queries.job_names(names)}."
    return write(
        connection,
        entry,
        JobState.QUEUED,
        reason=reason,
        launch=launch,
        cancelled_by="",
        requeued_by="",
        failures=0,
        requeues=0,
        not_before=0,
        gpu_ids="[]",
        remote=None,
        **columns,
    ).job


def write(
    connection: sqlite3.Connection,
    entry: JobEntry,
    to: JobState,
    *,
    reason: str,
    exit_code: int | None = None,
    given_up: bool = True,
    **columns: Any,
) -> JobEntry:
    """Move a job. given_up: what should start after one that does not succeed is cancelled
    with it.
    """
    at = now()
    job = advance(entry.job, to, at=at, reason=encodable(reason), exit_code=exit_code)
    values = {
        "state": str(job.state),
        "reason": job.reason,
        "exit_code": job.exit_code,
        "attempt": job.attempt,
        "started_at": seconds(job.started_at),
        "ended_at": seconds(job.ended_at),
        "changed_at": at.timestamp(),
        **columns,
    }
    moved = _update(connection, job.id, values)
    tell(connection, moved.job)
    if entry.job.state is JobState.RUNNING and entry.job.started_at is not None:
        _charge(connection, entry.job, (at - entry.job.started_at).total_seconds(), at.timestamp())
    if to in FINAL and to is not JobState.SUCCEEDED and given_up:
        _give_up_later(connection, moved)
    return moved


def _charge(connection: sqlite3.Connection, job: Job, seconds: float, at: float) -> None:
    """Add what an attempt held to its user's use."""
    row = connection.execute("SELECT * FROM job_share WHERE user = ?", (job.user,)).fetchone()
    before = queries.faded(row["seconds"], at - row["at"]) if row else 0.0
    used = before + max(0.0, seconds) * (job.gpus + job.cpus / queries.CPUS_PER_GPU)
    connection.execute("INSERT OR REPLACE INTO job_share VALUES (?, ?, ?)", (job.user, used, at))


def _give_up_later(connection: sqlite3.Connection, entry: JobEntry) -> None:
    """Cancel what should start after a job that did not succeed, directly or not; in a loop,
    because a chain may be long.
    """
    unvisited = [entry]
    while unvisited:
        earlier = unvisited.pop()
        waiting = [
            read(connection, row["id"])
            for row in connection.execute(_LATER.format("queued"), (earlier.number,)).fetchall()
        ]
        unvisited += [
            write(
                connection,
                later,
                JobState.CANCELLED,
                reason=_why_given_up(earlier.job),
                given_up=False,
            )
            for later in waiting
        ]


def _why_given_up(earlier: Job) -> str:
    return f"It should start after job {shown_id(earlier)}, which is {earlier.state}."


def change(connection: sqlite3.Connection, entry: JobEntry, **columns: Any) -> Job:
    """Change a job's fields; its state stays."""
    values = {**columns, "changed_at": now().timestamp()}
    job = _update(connection, entry.job.id, values).job
    tell(connection, job)
    return job


def _update(connection: sqlite3.Connection, job: str, values: Mapping[str, Any]) -> JobEntry:
    """Write these columns of a job."""
    columns = ", ".join(f"{name} = ?" for name in values)
    return entry_of(
        connection.execute(
            f"UPDATE job SET {columns} WHERE id = ? RETURNING *",  # noqa: S608
            [*values.values(), job],
        ).fetchone()
    )


def tell(connection: sqlite3.Connection, job: Job, progress: float | None = None) -> None:
    events.append(
        connection,
        "job",
        job.ref,
        {"state": job.state, "name": job.name, "reason": job.reason, "progress": progress},
    )
