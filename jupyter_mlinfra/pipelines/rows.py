"""Rows of the tables of pipelines as records. A run that cannot be read becomes a record that says
so, so that it hides no other run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..core.errors import Conflict
from ..core.processes import Identity
from ..core.records import from_seconds
from .cache import Parts
from .definition import Definition
from .spec import PipelineRun, RunState, StepRun, StepState
from .state import LOST, is_final

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading JSON of another shape raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """A run with its internal fields. definition: bound to its values.

    driver: the process that drives it, None until there is one. driven_at: when one was named or
    requested. digest: of what the whole run is made from, empty until its driver has computed it.
    problem: why it cannot be read; then its definition is empty, and its request but for the
    backfill. backfill_known: whether at least that could be read.
    """

    number: int
    run: PipelineRun
    definition: Definition
    force: bool
    driver: Identity | None
    driven_at: datetime
    cancelled_by: str
    plan: RunRequest
    lane: str
    digest: str
    problem: str = ""
    backfill_known: bool = True

    def check_readable(self) -> None:
        """Raise Conflict if it cannot be read, so that nothing can be done with it but end it."""
        if self.problem:
            raise Conflict(f"Run {self.run.run} cannot be used.", self.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What was requested of a run besides its parameters.

    again: step → why it runs, whatever the cache says. keep: step → job whose result is taken while
    it is valid, even if its code has changed; with `repairs` (a run) whatever has changed. backend:
    where jobs go. backfill: that it is part of. only, given: of a run of one step alone, its name
    and the values that it was given.
    """

    again: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    repairs: str = ""
    backend: str | None = None
    backfill: str = ""
    only: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """A step of a run with its internal fields. parts: what its cache key was made from, None until
    it was examined.
    """

    step: StepRun
    attempt: int
    parts: Parts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The newest execution of a step. whole: it succeeded, and its inputs never changed meanwhile.
    outputs: reference → content id when it was made.

    job: None until it has succeeded.
    """

    whole: bool
    parts: Parts
    outputs: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    notebook: str | None = None


def job_key(run: str, step: str, attempt: int) -> str:
    """The key that the job of an attempt of a step is submitted under, and found again by."""
    return f"pipeline/{run}/{step}/{attempt}"


def run_entry(row: sqlite3.Row, steps: Sequence[sqlite3.Row]) -> RunEntry:
    """A run from its row and those of its steps."""
    try:
        return _readable_entry(row, steps)
    except _UNREADABLE as error:
        return _unreadable_entry(row, error)


def _readable_entry(row: sqlite3.Row, steps: Sequence[sqlite3.Row]) -> RunEntry:
    plan = RunRequest(**json.loads(row["plan"]))
    state = RunState(row["state"])
    step_runs = [step_entry(step).step for step in steps]
    run = PipelineRun(
        run=row["run"],
        pipeline=row["pipeline"],
        state=state,
        steps=step_runs,
        parameters=json.loads(row["parameters"]),
        user=row["user"],
        started_at=from_seconds(row["started_at"]),
        ended_at=from_seconds(row["ended_at"]),
        reason=row["reason"],
        date=row["date"],
        repairs=plan.repairs,
        backend=plan.backend,
        backfill=plan.backfill,
        only=plan.only,
        repairable=is_final(state) and any(step.state in LOST for step in step_runs),
    )
    return RunEntry(
        number=row["number"],
        run=run,
        definition=Definition.from_json(json.loads(row["definition"])),
        force=bool(row["force"]),
        driver=Identity(*json.loads(row["driver"])) if row["driver"] else None,
        driven_at=from_seconds(row["driven_at"]),
        cancelled_by=row["cancelled_by"],
        plan=plan,
        lane=row["lane"],
        digest=row["digest"],
    )


def _unreadable_entry(row: sqlite3.Row, error: Exception) -> RunEntry:
    """A run without what is stored as JSON; its driver is unknown, and so are its steps. What it
    ended for is shown before why it cannot be read.
    """
    state, backfill = run_state(row["state"]), _stored_backfill(row)
    fix = (
        "Run the pipeline again."
        if is_final(state)
        else f"End it: mlinfra pipelines cancel {row['run']}"
    )
    problem = (
        f"It cannot be read ({type(error).__name__}: {str(error)[:200]}): another version of"
        f" jupyter-mlinfra wrote it, or its row in state.db is damaged. {fix}"
    )
    return RunEntry(
        number=row["number"],
        run=PipelineRun(
            run=row["run"],
            pipeline=row["pipeline"],
            state=state,
            steps=(),
            parameters={},
            user=row["user"],
            started_at=from_seconds(row["started_at"]),
            ended_at=from_seconds(row["ended_at"]),
            reason=" ".join(filter(None, (row["reason"], problem))),
            date=row["date"],
            backfill=backfill or "",
        ),
        definition=Definition(
            name=row["pipeline"], path="", description="", parameters={}, steps=()
        ),
        force=bool(row["force"]),
        driver=None,
        driven_at=from_seconds(row["driven_at"]),
        cancelled_by=row["cancelled_by"],
        plan=RunRequest(backfill=backfill or ""),
        lane=row["lane"],
        digest=row["digest"],
        problem=problem,
        backfill_known=backfill is not None,
    )


def _stored_backfill(row: sqlite3.Row) -> str | None:
    """The backfill that a run is part of, also of a request with fields that this version does not
    know; empty if of none, None if that cannot be read.
    """
    try:
        return str(json.loads(row["plan"])["backfill"])
    except _UNREADABLE:
        return None


def run_state(text: str) -> RunState:
    """The state of a run; one that this version does not know counts as failed."""
    return RunState(text) if text in set(RunState) else RunState.FAILED


def step_entry(row: sqlite3.Row) -> StepEntry:
    """A step of a run from its row."""
    return StepEntry(
        step=StepRun(
            name=row["name"],
            state=StepState(row["state"]),
            job=row["job"],
            notebook=row["notebook"],
            reason=row["reason"],
            started_at=from_seconds(row["started_at"]),
            ended_at=from_seconds(row["ended_at"]),
            changed=tuple(json.loads(row["changed"])),
            detail=row["detail"],
        ),
        attempt=row["attempt"],
        parts=parts_of(row["parts"]),
    )


def parts_of(text: str | None) -> Parts | None:
    """The stored parts; None if they belong to another version of the cache's key, with which
    nothing can be compared.
    """
    try:
        return Parts.from_json(json.loads(text)) if text else None
    except _UNREADABLE:
        return None
