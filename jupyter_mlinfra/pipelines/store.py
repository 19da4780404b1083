"""Runs, steps and results of pipelines in `state.db`. Each change of a state is one transaction
with its event.

Rows are read in `rows`, changed in `changes`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any

from ..core.database import Database
from ..core.display import encodable
from ..core.errors import BadRequest, Conflict, NotFound, Unavailable
from ..core.processes import Identity
from ..core.records import PAGE_LIMIT, Page, now, parse_cursor, to_seconds
from .cache import Parts
from .changes import append_step_event, end_run, insert_run, move_step, read_run, step_rows
from .definition import Definition
from .rows import (
    Result,
    RunEntry,
    RunRequest,
    StepEntry,
    job_key,
    parts_of,
    run_state,
    step_entry,
)
from .spec import PipelineRun, RunState, StepState

_CACHE_SECONDS = 2.0
"""How long a lookup waits for another process that writes, if it can also be computed again:
viewing a pipeline must not hang on that.
"""


class RunStore:
    """The tables of pipelines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # What there is

    def run(self, prefix: str) -> RunEntry:
        """A run by id; a unique beginning is enough. Raises NotFound or BadRequest."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM pipeline_run WHERE substr(run, 1, ?) = ? LIMIT 2",
                (len(prefix), prefix),
            ).fetchall()
            if not prefix or not rows:
                raise _no_run(connection, prefix)
            if len(rows) > 1:
                raise BadRequest(f"{prefix} begins more than one run.", fix="Give more of its id.")
            return read_run(connection, rows[0])

    def steps(self, run: RunEntry) -> dict[str, StepEntry]:
        """The steps of a run by name, in the order of the file."""
        with self._database.read() as connection:
            return {
                entry.step.name: entry
                for entry in map(step_entry, step_rows(connection, run.number))
            }

    def runs(self, pipeline: str | None, *, limit: int, cursor: str | None) -> Page[PipelineRun]:
        """Runs of one pipeline or of all, newest first."""
        if not 1 <= limit <= PAGE_LIMIT:
            raise BadRequest(
                f"limit={limit} is out of range.",
                f"A page has 1 to {PAGE_LIMIT} items.",
                "Ask for less and follow `cursor`.",
            )
        below = parse_cursor(cursor) or 2**62
        with self._database.read() as connection:
            where, values = ("pipeline = ?", [pipeline]) if pipeline is not None else ("1", [])
            total = connection.execute(
                f"SELECT count(*) FROM pipeline_run WHERE {where}",  # noqa: S608
                values,
            ).fetchone()[0]
            query = (
                f"SELECT * FROM pipeline_run WHERE {where} AND number < ?"  # noqa: S608 - fixed words
                " ORDER BY number DESC LIMIT ?"
            )
            rows = connection.execute(query, [*values, below, limit + 1]).fetchall()
            items = [read_run(connection, row).run for row in rows[:limit]]
        return Page(
            items=items,
            shown=len(items),
            total=total,
            cursor=str(rows[limit - 1]["number"]) if len(rows) > limit else None,
        )

    def unfinished(self, pipeline: str | None = None, lane: str | None = None) -> list[RunEntry]:
        """Runs that are not final, of one pipeline (and one lane of it) or of all."""
        with self._database.read() as connection:
            where = (
                "state = 'running' AND (:pipeline IS NULL OR pipeline = :pipeline) AND (:lane IS"
                " NULL OR lane = :lane)"
            )
            rows = connection.execute(
                f"SELECT * FROM pipeline_run WHERE {where} ORDER BY number",  # noqa: S608
                {"pipeline": pipeline, "lane": lane},
            )
            return [read_run(connection, row) for row in rows.fetchall()]

    def by_key(self, key: str) -> RunEntry | None:
        """The run that was started with this key."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM pipeline_run WHERE key = ?", (key,)).fetchone()
            return read_run(connection, row) if row else None

    def newest_states(self, pipeline: str, count: int) -> list[RunState]:
        """States of the newest runs, oldest of them first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT state FROM pipeline_run WHERE pipeline = ? ORDER BY number DESC LIMIT ?",
                (pipeline, count),
            ).fetchall()
        return [run_state(row["state"]) for row in reversed(rows)]

    def newest_of(self, pipeline: str, date: str) -> RunEntry | None:
        """The newest run of a date, whatever its other parameters."""
        with self._database.read() as connection:
            query = (
                "SELECT * FROM pipeline_run WHERE pipeline = ? AND date = ? ORDER BY number DESC"
                " LIMIT 1"
            )
            row = connection.execute(query, (pipeline, date)).fetchone()
            return read_run(connection, row) if row else None

    def count_runs(self) -> int:
        """All runs there are."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM pipeline_run").fetchone()[0])

    def data_version(self) -> int:
        """Changes when another process or thread commits."""
        return self._database.data_version()

    # Runs

    def begin(
        self,
        definition: Definition,
        *,
        parameters: Mapping[str, Any],
        force: bool,
        user: str,
        plan: RunRequest | None = None,
        lane: str = "",
        key: str | None = None,
    ) -> RunEntry:
        """Record a new run with all its steps waiting. Raises Conflict if the lane has one that is
        not final.
        """
        try:
            with self._database.write() as connection:
                return insert_run(
                    connection,
                    definition,
                    parameters=parameters,
                    force=force,
                    user=user,
                    plan=plan or RunRequest(),
                    lane=lane,
                    key=key,
                )
        except sqlite3.IntegrityError as error:
            raise Conflict(
                f"Pipeline {definition.name} is already running.",
                "Another run was started at the same moment.",
                "Wait for it to end.",
            ) from error

    def note_digest(self, run: RunEntry, digest: str) -> None:
        """Record the digest of what the whole run is made from."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE pipeline_run SET digest = ? WHERE number = ?", (digest, run.number)
            )

    def drive(self, run: RunEntry, driver: Identity | None) -> None:
        """Record the driver of a run; None: a process that is about to start."""
        body = json.dumps(astuple(driver)) if driver else None
        with self._database.write() as connection:
            connection.execute(
                "UPDATE pipeline_run SET driver = ?, driven_at = ? WHERE number = ?",
                (body, to_seconds(now()), run.number),
            )

    def release(self, run: RunEntry) -> None:
        """Record that no process drives a run any more or is about to; one that has ended is
        unchanged.
        """
        with self._database.write() as connection:
            connection.execute(
                "UPDATE pipeline_run SET driver = NULL, driven_at = 0 WHERE number = ? AND state ="
                " 'running'",
                (run.number,),
            )

    def request_cancel(self, run: RunEntry, user: str) -> None:
        """Leave a request for the driver."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE pipeline_run SET cancelled_by = ? WHERE number = ? AND state = 'running'",
                (user, run.number),
            )

    def cancelled_by(self, run: RunEntry) -> str:
        """Who requested to cancel the run; empty if nobody did."""
        with self._database.read() as connection:
            return str(
                connection.execute(
                    "SELECT cancelled_by FROM pipeline_run WHERE number = ?", (run.number,)
                ).fetchone()[0]
            )

    def end(self, run: RunEntry, to: RunState, *, reason: str = "") -> RunEntry:
        """Make a run final."""
        with self._database.write() as connection:
            return end_run(connection, run, to, reason=reason)

    def running_steps(self, run: RunEntry) -> list[tuple[str | None, str]]:
        """Job of each step that runs, None if none is recorded, and the key that it is submitted
        under; also of a run that cannot be read.
        """
        query = "SELECT name, attempt, job FROM pipeline_step WHERE run = ? AND state = 'running'"
        with self._database.read() as connection:
            return [
                (row["job"], job_key(run.run.run, row["name"], row["attempt"]))
                for row in connection.execute(query, (run.number,)).fetchall()
            ]

    def give_up(self, run: RunEntry, *, reason: str) -> RunEntry:
        """Cancel a run that cannot be read, with its steps."""
        query = (
            "UPDATE pipeline_step SET state = 'cancelled', reason = ?, ended_at = ? WHERE run = ?"
            " AND state IN ('waiting', 'running')"
        )
        with self._database.write() as connection:
            connection.execute(query, (encodable(reason), to_seconds(now()), run.number))
            return end_run(connection, run, RunState.CANCELLED, reason=reason)

    # Steps

    def move(
        self,
        run: RunEntry,
        entry: StepEntry,
        to: StepState,
        *,
        reason: str,
        notebook: str | None = None,
        job: str | None = None,
    ) -> StepEntry:
        """A step's next state; job and notebook are kept if none is given."""
        with self._database.write() as connection:
            return move_step(connection, run, entry, to, reason=reason, notebook=notebook, job=job)

    def start(
        self,
        run: RunEntry,
        entry: StepEntry,
        parts: Parts,
        *,
        reason: str,
        changed: Sequence[str] = (),
        detail: str = "",
    ) -> StepEntry:
        """A step is about to run: its earlier result no longer counts, since the outputs may be
        half made from here on.
        """
        examined = replace(
            entry,
            parts=parts,
            attempt=entry.attempt + 1,
            step=replace(entry.step, changed=tuple(changed), detail=detail),
        )
        slot = run.definition.step(entry.step.name).slot
        with self._database.write() as connection:
            moved = move_step(connection, run, examined, StepState.RUNNING, reason=reason)
            connection.execute(
                "INSERT OR REPLACE INTO pipeline_result (pipeline, step, slot, whole, parts) VALUES"
                " (?, ?, ?, 0, ?)",
                (run.run.pipeline, entry.step.name, slot, json.dumps(parts.to_json())),
            )
            return moved

    def submitted(self, run: RunEntry, entry: StepEntry, job: str) -> StepEntry:
        """Record the job of a running step."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE pipeline_step SET job = ? WHERE run = ? AND name = ?",
                (job, run.number, entry.step.name),
            )
            moved = replace(entry, step=replace(entry.step, job=job))
            append_step_event(connection, run, moved.step)
        return moved

    def succeed(self, run: RunEntry, entry: StepEntry, result: Result, *, reason: str) -> StepEntry:
        """A step has made its outputs: its state and its result in one transaction."""
        with self._database.write() as connection:
            moved = move_step(
                connection,
                run,
                replace(entry, parts=result.parts),
                StepState.SUCCEEDED,
                reason=reason,
                notebook=result.notebook,
            )
            values = (
                run.run.pipeline,
                entry.step.name,
                run.definition.step(entry.step.name).slot,
                result.whole,
                json.dumps(result.parts.to_json()),
                json.dumps(dict(result.outputs)),
                result.job,
                result.notebook,
            )
            connection.execute(
                "INSERT OR REPLACE INTO pipeline_result (pipeline, step, slot, whole, parts,"
                " outputs, job, notebook) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            return moved

    # The cache

    def result(self, pipeline: str, step: str, slot: str = "") -> Result | None:
        """The newest execution of a step, among those for `slot`; None if it never ran."""
        with self._database.read() as connection:
            query = "SELECT * FROM pipeline_result WHERE pipeline = ? AND step = ? AND slot = ?"
            row = connection.execute(query, (pipeline, step, slot)).fetchone()
        if row is None:
            return None
        parts = parts_of(row["parts"])
        if parts is None:
            return None
        return Result(
            whole=bool(row["whole"]),
            parts=parts,
            outputs=json.loads(row["outputs"]),
            job=row["job"],
            notebook=row["notebook"],
        )

    def last_whole(self, pipeline: str, step: str) -> Result | None:
        """The newest successful execution of a step, even if later ones failed; None if none is
        known.
        """
        query = (
            "SELECT pipeline_step.* FROM pipeline_step JOIN pipeline_run ON pipeline_run.number ="
            " pipeline_step.run WHERE pipeline = ? AND name = ? AND pipeline_step.state ="
            " 'succeeded' ORDER BY number DESC LIMIT 1"
        )
        with self._database.read() as connection:
            row = connection.execute(query, (pipeline, step)).fetchone()
        parts = parts_of(row["parts"]) if row else None
        return (
            Result(whole=True, parts=parts, job=row["job"], notebook=row["notebook"])
            if parts
            else None
        )

    def keep_packages(self, digest: str, packages: Mapping[str, str]) -> None:
        """Store what the digest of an environment stands for; skipped if the database cannot be
        written now.
        """
        if digest in self.packages([digest]):
            return
        with (
            contextlib.suppress(Unavailable),
            self._database.write(busy_seconds=_CACHE_SECONDS) as connection,
        ):
            connection.execute(
                "INSERT OR IGNORE INTO pipeline_environment VALUES (?, ?)",
                (digest, json.dumps(dict(packages))),
            )

    def packages(self, digests: Sequence[str]) -> dict[str, dict[str, str]]:
        """Distributions of the environments that are still known, by digest."""
        with self._database.read() as connection:
            marks = ", ".join("?" * len(digests))
            rows = connection.execute(
                f"SELECT * FROM pipeline_environment WHERE digest IN ({marks})",  # noqa: S608
                list(digests),
            ).fetchall()
        return {row["digest"]: json.loads(row["packages"]) for row in rows}

    def file_digest(self, path: str, stamp: str) -> str | None:
        """The digest that was kept for a file with this very stamp."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT digest FROM pipeline_file WHERE path = ? AND stamp = ?", (path, stamp)
            ).fetchone()
        return row["digest"] if row else None

    def keep_file_digest(self, path: str, stamp: str, digest: str) -> None:
        """Store the digest of a file until its stamp changes. Raises Unavailable soon if the
        database cannot be written: the file can be read again.
        """
        with self._database.write(busy_seconds=_CACHE_SECONDS) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO pipeline_file VALUES (?, ?, ?)", (path, stamp, digest)
            )


def _no_run(connection: sqlite3.Connection, name: str) -> NotFound:
    """There is no such run; if the name is a pipeline's, its newest run is named."""
    query = "SELECT run FROM pipeline_run WHERE pipeline = ? ORDER BY number DESC LIMIT 1"
    newest = connection.execute(query, (name.removeprefix("pipeline:"),)).fetchone()
    if newest is None:
        return NotFound(
            f"There is no pipeline run {name!r}.", fix="mlinfra pipelines runs lists them."
        )
    return NotFound(
        f"There is no pipeline run {name!r}.",
        f"That is a pipeline; its newest run is {newest['run']}.",
        f"Give the run instead: {newest['run']}",
    )
