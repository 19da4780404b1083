"""Changes of runs and steps, each with its event, on the caller's connection."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ..core import events
from ..core.display import encodable
from ..core.records import now, to_seconds
from ..core.refs import reference
from .definition import Definition
from .rows import RunEntry, RunRequest, StepEntry, run_entry, run_state
from .spec import PipelineRun, RunState, StepRun, StepState
from .state import advance, check_run


def read_run(connection: sqlite3.Connection, row: sqlite3.Row) -> RunEntry:
    """The run of a row, with its steps."""
    return run_entry(row, step_rows(connection, row["number"]))


def step_rows(connection: sqlite3.Connection, number: int) -> list[sqlite3.Row]:
    """Rows of a run's steps, in the order of the file."""
    return connection.execute(
        "SELECT * FROM pipeline_step WHERE run = ? ORDER BY position", (number,)
    ).fetchall()


def insert_run(
    connection: sqlite3.Connection,
    definition: Definition,
    *,
    parameters: Mapping[str, Any],
    force: bool,
    user: str,
    plan: RunRequest,
    lane: str,
    key: str | None,
) -> RunEntry:
    """Write a new run with all its steps waiting. Raises sqlite3.IntegrityError if its lane has one
    that is not final.
    """
    at = to_seconds(now())
    values = {
        "run": secrets.token_hex(4),
        "pipeline": definition.name,
        "state": "running",
        "user": user,
        "force": force,
        "parameters": json.dumps(parameters),
        "definition": json.dumps(definition.to_json()),
        "plan": json.dumps(asdict(plan)),
        "started_at": at,
        "driven_at": at,
        "lane": lane,
        "date": definition.date_of(parameters),
        "key": key,
    }
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    number = connection.execute(
        f"INSERT INTO pipeline_run ({columns}) VALUES ({marks})",  # noqa: S608
        list(values.values()),
    ).lastrowid
    connection.executemany(
        "INSERT INTO pipeline_step (run, position, name, state) VALUES (?, ?, ?, 'waiting')",
        [(number, position, step.name) for position, step in enumerate(definition.steps)],
    )
    query = "SELECT * FROM pipeline_run WHERE number = ?"
    entry = read_run(connection, connection.execute(query, (number,)).fetchone())
    _append_run_event(connection, entry.run)
    return entry


def end_run(
    connection: sqlite3.Connection, run: RunEntry, to: RunState, *, reason: str
) -> RunEntry:
    """Make a run final. Raises Conflict if it is."""
    query = "SELECT * FROM pipeline_run WHERE number = ?"
    row = connection.execute(query, (run.number,)).fetchone()
    check_run(run.run.run, run_state(row["state"]), to)
    connection.execute(
        "UPDATE pipeline_run SET state = ?, reason = ?, ended_at = ? WHERE number = ?",
        (to, encodable(reason), to_seconds(now()), run.number),
    )
    entry = read_run(connection, connection.execute(query, (run.number,)).fetchone())
    _append_run_event(connection, entry.run)
    return entry


def move_step(
    connection: sqlite3.Connection,
    run: RunEntry,
    entry: StepEntry,
    to: StepState,
    *,
    reason: str,
    notebook: str | None = None,
    job: str | None = None,
) -> StepEntry:
    """A step's next state; job and notebook are kept if none is given. Raises Conflict if that
    state may not follow.
    """
    step = advance(entry.step, to, at=entry.step.ended_at or now(), reason=encodable(reason))
    step = replace(step, notebook=notebook or step.notebook, job=job or step.job)
    parts = json.dumps(entry.parts.to_json()) if entry.parts else None
    connection.execute(
        "UPDATE pipeline_step SET state = ?, reason = ?, job = ?, notebook = ?, attempt = ?, parts"
        " = ?, changed = ?, detail = ?, started_at = ?, ended_at = ? WHERE run = ? AND name = ?",
        (
            step.state,
            step.reason,
            step.job,
            step.notebook,
            entry.attempt,
            parts,
            json.dumps(list(step.changed)),
            encodable(step.detail),
            to_seconds(step.started_at),
            to_seconds(step.ended_at),
            run.number,
            step.name,
        ),
    )
    append_step_event(connection, run, step)
    return replace(entry, step=step)


def append_step_event(connection: sqlite3.Connection, run: RunEntry, step: StepRun) -> None:
    """The event of a change to a step."""
    data = {
        "run": run.run.run,
        "pipeline": run.run.pipeline,
        "state": step.state,
        "reason": step.reason,
        "job": step.job,
    }
    events.append(connection, "step", reference("step", run.run.pipeline, step.name), data)


def _append_run_event(connection: sqlite3.Connection, run: PipelineRun) -> None:
    data = {"run": run.run, "pipeline": run.pipeline, "state": run.state, "reason": run.reason}
    events.append(connection, "step", reference("pipeline", run.pipeline), data)
