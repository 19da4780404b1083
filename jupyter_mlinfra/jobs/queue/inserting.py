"""New rows of the queue: a job, or an array with all its elements."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass, replace

from ...core.errors import BadRequest
from ...core.records import now
from ..array import element_of
from ..spec import Job, JobSpec
from . import queries
from .queries import read
from .rows import Launch, dump
from .transitions import tell

PAIRS = 100_000
"""Most jobs of one submit times the jobs that they start after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What is recorded for jobs that are submitted together. name: of an array's elements, followed
    by their index.
    """

    name: str
    launch: Launch
    snapshot: str | None
    backend: str
    user: str


def insert(connection: sqlite3.Connection, spec: JobSpec, accepted: Accepted) -> Job:
    """Write the rows of a job or of an array."""
    before = queries.before(connection, spec.after)
    elements = spec.array or (None,)
    if len(before) * len(elements) > PAIRS:
        why = (
            f"{len(elements):,} would each wait for {len(before):,}, and at most {PAIRS:,} pairs"
            " are kept."
        )
        raise BadRequest(
            "That is too much to wait for.",
            why,
            "Put a job of `true` in between: it starts after the first, and the others after it.",
        )
    ids = (
        [_new_id(connection) for _ in range(len(elements) + 1)]
        if spec.array
        else [_new_id(connection)]
    )
    array, at = ids.pop() if spec.array else None, now().timestamp()
    reason = f"Starts after {queries.some(spec.after)}." if spec.after else "Waits for its turn."
    launch = dump(accepted.launch)
    columns = (
        "id",
        "key",
        "name",
        "state",
        "reason",
        "backend",
        "user",
        "spec",
        "launch",
        "snapshot",
        "priority",
        "cpus",
        "gpus",
        "memory_gib",
        "submitted_at",
        "changed_at",
        "part_of",
        "place",
        "at_once",
    )
    rows = [
        (
            ident,
            spec.key if not place else None,
            accepted.name if array is None else f"{accepted.name}/{place}",
            "queued",
            reason,
            accepted.backend,
            accepted.user,
            dump(spec if element is None else element_of(spec, element)),
            launch,
            accepted.snapshot,
            spec.priority,
            spec.cpus,
            spec.gpus,
            spec.memory_gib or 0.0,
            at,
            at,
            array,
            None if array is None else place,
            spec.max_parallel,
        )
        for place, (ident, element) in enumerate(zip(ids, elements, strict=True))
    ]
    connection.executemany(
        f"INSERT INTO job ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        rows,
    )
    of = ("part_of", array) if array is not None else ("id", ids[0])
    numbers = [
        row["number"]
        for row in connection.execute(f"SELECT number FROM job WHERE {of[0]} = ?", (of[1],))  # noqa: S608
    ]
    connection.executemany(
        "INSERT INTO job_label VALUES (?, ?, ?)",
        [(number, key, value) for number in numbers for key, value in spec.labels.items()],
    )
    connection.executemany(
        "INSERT INTO job_after VALUES (?, ?)",
        ((number, earlier) for number in numbers for earlier in before),
    )
    job = (
        read(connection, ids[0]).job
        if array is None
        else queries.array_job(connection, array, elements=ids)
    )
    tell(connection, job)
    return replace(job, after=queries.after(connection, ids[0])) if before else job


def _new_id(connection: sqlite3.Connection) -> str:
    while True:
        fresh = secrets.token_hex(4)
        if (
            connection.execute(
                "SELECT 1 FROM job WHERE id = ? OR part_of = ?", (fresh, fresh)
            ).fetchone()
            is None
        ):
            return fresh
