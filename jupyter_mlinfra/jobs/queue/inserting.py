"""New rows of the queue: a job, or an array with all its elements."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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
    _check_pairs(len(spec.array or (None,)), len(before))
    ids = [_new_id(connection) for _ in spec.array or (None,)]
    array = _new_id(connection) if spec.array else None
    rows = _rows(spec, accepted, ids, array)
    columns, marks = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
    connection.executemany(f"INSERT INTO job ({columns}) VALUES ({marks})", rows)  # noqa: S608
    numbers = [
        row["number"]
        for row in connection.execute(
            "SELECT number FROM job WHERE id = ? OR part_of = ?", (ids[0], array)
        )
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


def _check_pairs(jobs: int, earlier: int) -> None:
    if jobs * earlier > PAIRS:
        raise BadRequest(
            "That is too much to wait for.",
            f"{jobs:,} would each wait for {earlier:,}, and at most {PAIRS:,} pairs are kept.",
            "Put a job of `true` in between: it starts after the first, and the others after it.",
        )


def _rows(
    spec: JobSpec, accepted: Accepted, ids: Sequence[str], array: str | None
) -> list[dict[str, Any]]:
    """The row of a job, or one for each element of an array."""
    at = now().timestamp()
    reason = "Waits for its turn."
    if spec.after:
        reason = f"Starts after {queries.job_names(spec.after)}."
    common = {
        "state": "queued",
        "reason": reason,
        "backend": accepted.backend,
        "user": accepted.user,
        "launch": dump(accepted.launch),
        "snapshot": accepted.snapshot,
        "priority": spec.priority,
        "cpus": spec.cpus,
        "gpus": spec.gpus,
        "memory_gib": spec.memory_gib or 0.0,
        "submitted_at": at,
        "changed_at": at,
        "part_of": array,
        "at_once": spec.max_parallel,
    }
    if array is None:
        own = {"id": ids[0], "key": spec.key, "name": accepted.name, "spec": dump(spec)}
        return [{**common, **own, "place": None}]
    return [
        {
            **common,
            "id": ident,
            "key": spec.key if index == 0 else None,
            "name": f"{accepted.name}/{index}",
            "spec": dump(element_of(spec, element)),
            "place": index,
        }
        for index, (ident, element) in enumerate(zip(ids, spec.array, strict=True))
    ]


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
