"""Queries on the table of jobs, on the caller's connection."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import BadRequest, Conflict, NotFound
from ...core.records import PAGE_LIMIT, Page, parse_cursor
from ..spec import Job, JobSpec, JobState
from ..state import FINAL
from .rows import JobEntry, Waiting, array_of, entry_of

HALF_LIFE_SECONDS = 7 * 86_400.0
"""After this time a user's past use counts half, as with Slurm's PriorityDecayHalfLife."""
CPUS_PER_GPU = 16
"""A GPU weighs as much as this many CPUs when users are compared."""
_ALONE = "(place IS NULL OR place = 0)"
"""A row that a list shows: a single job, or the first element of an array, which represents all of
it.
"""


@dataclass(frozen=True, slots=True)
class Named:
    """What a name means. jobs: ids. array: its id if the name means all of an array."""

    jobs: Sequence[str]
    array: str | None = None


def find(connection: sqlite3.Connection, name: str) -> Named:
    """What a name means: a job's id or the only id that begins like this, an array's id (all its
    elements), `ARRAY/PLACE`; with or without `job:` before it.

    Raises NotFound if there is none, BadRequest if several ids begin like this.
    """
    prefix, _, place = name.removeprefix("job:").lower().partition("/")
    if not re.fullmatch(r"[0-9a-f]{1,32}", prefix) or (place and not place.isdecimal()):
        raise _unknown(
            connection,
            name,
            NotFound(
                f"There is no job {name!r}.",
                "A job id is a short hexadecimal number.",
                "mlinfra jobs list",
            ),
        )
    job_ids, array_ids = _ids_beginning(connection, prefix)
    ids = [prefix] if prefix in {*job_ids, *array_ids} else sorted({*job_ids, *array_ids})
    if len(ids) > 1:
        raise BadRequest(
            f"Job {prefix} is not one job.",
            f"Several ids start like this: {', '.join(ids[:3])} …",
            "Write more of the id.",
        )
    if not ids:
        raise _unknown(
            connection, name, NotFound(f"There is no job {prefix}.", fix="mlinfra jobs list")
        )
    if ids[0] in job_ids and not place:
        return Named(ids)
    elements = [
        row["id"]
        for row in connection.execute("SELECT id FROM job WHERE part_of = ? ORDER BY place", ids)
    ]
    if place and int(place) >= len(elements):
        raise NotFound(
            f"Array {ids[0]} has no element {place}.",
            f"It has {len(elements)}, counted from 0.",
            f"mlinfra jobs show {ids[0]}",
        )
    return Named([elements[int(place)]]) if place else Named(elements, ids[0])


def _ids_beginning(connection: sqlite3.Connection, prefix: str) -> tuple[list[str], list[str]]:
    """Ids of jobs and of arrays that begin like this, at most three of each."""
    bounds = (prefix, prefix + "g")
    jobs = connection.execute(
        "SELECT id FROM job WHERE id >= ? AND id < ? ORDER BY id LIMIT 3", bounds
    ).fetchall()
    arrays = connection.execute(
        "SELECT DISTINCT part_of FROM job WHERE part_of >= ? AND part_of < ? ORDER BY part_of"
        " LIMIT 3",
        bounds,
    ).fetchall()
    return [row["id"] for row in jobs], [row["part_of"] for row in arrays]


def _unknown(connection: sqlite3.Connection, name: str, error: NotFound) -> NotFound:
    """The error for a name that is not an id. Names are not unique, so verbs do not accept them;
    the error names the newest job with that name.
    """
    query = (
        "SELECT coalesce(part_of, id) AS id FROM job WHERE name IN (?, ? || '/0') ORDER BY number"
        " DESC LIMIT 1"
    )
    newest = connection.execute(query, (name, name)).fetchone()
    if newest is None:
        return error
    return NotFound(
        error.what,
        f"That is a name; the newest job that has it is {newest['id']}.",
        f"Give its id instead: {newest['id']}",
    )


def read(connection: sqlite3.Connection, job: str) -> JobEntry:
    """The job with exactly this id. Raises NotFound."""
    row = connection.execute("SELECT * FROM job WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise NotFound(f"There is no job {job}.", fix="mlinfra jobs list")
    return entry_of(row)


def page(
    connection: sqlite3.Connection,
    *,
    state: JobState | None,
    label: tuple[str, str] | None,
    array: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Job]:
    """Jobs, newest first, an array as one; or the elements of an array in their order.

    The cursor is the number of the last job shown; for elements, the index to start from, so that
    any page can be requested.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise BadRequest(
            f"limit={limit} is out of range.",
            f"A page has 1 to {PAGE_LIMIT} items.",
            "Ask for less and follow `cursor`.",
        )
    where, values = [_ALONE], list[Any]()
    if array is not None:
        where, values = ["part_of = ?"], [array]
    if state is not None and array is not None:
        where.append("state = ?")
        values.append(str(state))
    elif state is not None:
        where.append(
            "(place IS NULL AND state = ? OR place = 0 AND EXISTS (SELECT 1 FROM job AS other WHERE"
            " other.part_of = job.part_of AND other.state = ?))"
        )
        values += [str(state)] * 2
    if label is not None:
        where.append("number IN (SELECT job FROM job_label WHERE key = ? AND value = ?)")
        values += label
    condition, last = " AND ".join(where), parse_cursor(cursor)
    beyond = "place >= ? ORDER BY place" if array is not None else "number < ? ORDER BY number DESC"
    total = int(
        connection.execute(f"SELECT count(*) FROM job WHERE {condition}", values).fetchone()[0]  # noqa: S608
    )
    rows = connection.execute(
        f"SELECT * FROM job WHERE {condition} AND {beyond} LIMIT ?",  # noqa: S608
        [*values, last or (0 if array is not None else 2**62), limit + 1],
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    jobs = [entry_of(row).job for row in rows]
    if array is None:
        jobs = [job if job.part_of is None else array_job(connection, job.part_of) for job in jobs]
    following = [row["number"] if array is None else row["place"] + 1 for row in rows[-1:]]
    return Page(items=jobs, shown=len(rows), total=total, cursor=str(*following) if more else None)


def array_job(connection: sqlite3.Connection, array: str, *, elements: Sequence[str] = ()) -> Job:
    """An array as one job."""
    row = connection.execute(
        "SELECT * FROM job WHERE part_of = ? AND place = 0", (array,)
    ).fetchone()
    groups = connection.execute(
        "SELECT state, count(*), min(started_at), max(ended_at) FROM job WHERE part_of = ? GROUP BY"
        " state",
        (array,),
    ).fetchall()
    # Of its waiting elements the one that may start first gives the reason: one that is not held.
    waits = (
        "SELECT reason, held_by, priority FROM job WHERE part_of = ? AND state = 'queued'"
        " ORDER BY held_by != '', priority DESC, place LIMIT 1"
    )
    waiting = connection.execute(waits, (array,)).fetchone()
    reason, held_by, priority = waiting or ("", "", row["priority"])
    return array_of(
        entry_of(row),
        {group[0]: group[1] for group in groups},
        at_once=row["at_once"],
        reason=reason,
        held_by=held_by,
        priority=priority,
        started_at=min((group[2] for group in groups if group[2] is not None), default=None),
        ended_at=max((group[3] for group in groups if group[3] is not None), default=None),
        elements=elements,
    )


def job_named(connection: sqlite3.Connection, name: str) -> Job:
    """A job, or an array as one, with the jobs that it starts after."""
    found = find(connection, name)
    first = found.jobs[0]
    job = (
        read(connection, first).job
        if found.array is None
        else array_job(connection, found.array, elements=found.jobs)
    )
    return replace(job, after=after(connection, first))


def names_of(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Names of the jobs and arrays with exactly these ids, by id."""
    query = (
        "WITH asked AS (SELECT value FROM json_each(?))"
        " SELECT id, name FROM job WHERE id IN asked"
        " UNION ALL SELECT part_of, substr(name, 1, length(name) - length('/0')) FROM job"
        " WHERE part_of IN asked AND place = 0"
    )
    return dict(map(tuple, connection.execute(query, (json.dumps(list(ids)),))))


def after(connection: sqlite3.Connection, job: str) -> list[str]:
    """Ids of the jobs that one starts after."""
    query = (
        "SELECT job.id FROM job_after JOIN job ON job.number = job_after.before WHERE job_after.job"
        " = (SELECT number FROM job WHERE id = ?) ORDER BY 1"
    )
    return [row["id"] for row in connection.execute(query, (job,))]


_READY = """
    WITH ready AS (
        SELECT number, id, cpus, gpus, memory_gib, reason, user, priority,
            part_of, place, at_once, spec,
            CASE WHEN at_once IS NULL THEN 0
                ELSE row_number() OVER (PARTITION BY part_of ORDER BY place) END AS turn
        FROM job
        WHERE state = 'queued' AND backend = ? AND held_by = '' AND cancelled_by = ''
            AND (? OR remote IS NULL) AND not_before <= ? AND NOT EXISTS (
            SELECT 1 FROM job_after JOIN job AS earlier ON earlier.number = job_after.before
            WHERE job_after.job = job.number AND earlier.state != 'succeeded'
        )
    )
    , startable AS (
        SELECT *, spec ->> '$.gpu_type' AS gpu_type, spec ->> '$.time_limit_minutes' AS minutes
        FROM ready
        WHERE at_once IS NULL OR turn <= at_once - (
        SELECT count(*) FROM job AS sibling WHERE sibling.part_of = ready.part_of
            AND (sibling.state IN ('starting', 'running')
                OR sibling.state = 'queued' AND sibling.remote IS NOT NULL)
        )
    )
    , counted AS (
        SELECT *, row_number() OVER (
            PARTITION BY cpus, gpus, memory_gib, gpu_type, minutes
            ORDER BY priority DESC, {share}, number
        ) AS nth
        FROM startable
    )
    SELECT id, cpus, gpus, memory_gib, reason, gpu_type, minutes, part_of, place
    FROM counted WHERE nth <= coalesce(?, nth)
    ORDER BY cpus + gpus + memory_gib > 0, priority DESC, {share}, number LIMIT ?
"""


def ready(
    connection: sqlite3.Connection,
    *,
    backend: str,
    at: float,
    limit: int,
    sent: bool,
    alike: int | None = None,
) -> list[Waiting]:
    """The head of the queue in order, without jobs that may not start yet.

    First those that take no slot; then by priority, by the user's recent use, and by age. at:
    seconds since 1970. sent: including those that were sent on and wait in the backend's own queue.
    alike: at most this many that ask for the same, so that a large array does not hide the others.
    """
    users = [
        row["user"]
        for row in connection.execute(
            "SELECT DISTINCT user FROM job WHERE state = 'queued' AND backend = ?", (backend,)
        )
    ]
    used = shares(connection, at=at) if len(users) > 1 else {}
    weights = [(user, used[user]) for user in users if user in used]
    share = f"CASE user {'WHEN ? THEN ? ' * len(weights)}ELSE 0 END" if weights else "NULL"
    shares_bound = [value for weight in weights for value in weight]
    bound = [backend, sent, at, *shares_bound, alike, *shares_bound, limit]
    return [
        Waiting(**row) for row in connection.execute(_READY.format(share=share), bound).fetchall()
    ]


def blocked(connection: sqlite3.Connection, *, at: float, limit: int) -> list[str]:
    """Waiting jobs that may not start yet: held, delayed, after other jobs, or over their array's
    limit. Oldest first.
    """
    query = """
        SELECT id FROM job WHERE state = 'queued'
        AND (held_by != '' OR not_before > ? OR at_once IS NOT NULL OR EXISTS (
            SELECT 1 FROM job_after JOIN job AS earlier ON earlier.number = job_after.before
            WHERE job_after.job = job.number AND earlier.state != 'succeeded'
        )) ORDER BY priority DESC, number LIMIT ?
    """
    return [row["id"] for row in connection.execute(query, (at, limit)).fetchall()]


def shares(connection: sqlite3.Connection, *, at: float) -> dict[str, float]:
    """What each user has used, in GPU-seconds that decay, including running jobs."""
    used = {
        row["user"]: faded(row["seconds"], at - row["at"])
        for row in connection.execute("SELECT * FROM job_share")
    }
    running = (
        f"SELECT user, sum(max(0, ? - started_at) * (gpus + cpus / {CPUS_PER_GPU}.0))"  # noqa: S608 - a number of ours
        " FROM job WHERE state = 'running' GROUP BY user"
    )
    for user, seconds in connection.execute(running, (at,)).fetchall():
        used[user] = used.get(user, 0.0) + (seconds or 0.0)
    return used


def faded(seconds: float, age: float) -> float:
    """What is left of a use after `age` seconds."""
    return float(seconds * 0.5 ** (max(0.0, age) / HALF_LIFE_SECONDS))


def durations(connection: sqlite3.Connection, spec: JobSpec, *, limit: int) -> list[float]:
    """Seconds that the newest successful jobs of the same command or notebook took; with the same
    parameters, if there are such.
    """
    same, value = ("$.notebook", spec.notebook) if spec.notebook else ("$.command", spec.command)
    query = """
        SELECT ended_at - started_at, spec -> '$.parameters' = json(?) AS alike
        FROM (
            SELECT * FROM job WHERE state = 'succeeded' AND started_at IS NOT NULL
            ORDER BY number DESC LIMIT 2000
        )
        WHERE spec -> ? = json(?) ORDER BY alike DESC, number DESC LIMIT ?
    """
    rows = connection.execute(
        query, (json.dumps(dict(spec.parameters)), same, json.dumps(value), limit)
    ).fetchall()
    return [max(0.0, seconds) for seconds, alike in rows if alike or not rows[0]["alike"]]


def before(connection: sqlite3.Connection, names: Sequence[str]) -> list[int]:
    """Numbers of the jobs to start after. Raises Conflict for one that can no longer succeed."""
    numbers = list[int]()
    for job in dict.fromkeys(job for name in names for job in find(connection, name).jobs):
        entry = read(connection, job)
        if entry.job.state in FINAL and entry.job.state is not JobState.SUCCEEDED:
            raise Conflict(
                f"Job {job} is {entry.job.state}: nothing can start after it.",
                entry.job.reason,
                f"mlinfra jobs requeue {job}, or remove it from `after`.",
            )
        numbers.append(entry.number)
    return numbers


def job_names(names: Sequence[str]) -> str:
    """Names of jobs, the first few of them."""
    shown = ", ".join(name.removeprefix("job:") for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"job{'s' if len(names) > 1 else ''} {shown}{more}"
