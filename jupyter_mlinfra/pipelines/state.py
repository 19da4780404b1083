"""How steps and runs change state: these tables alone say which state may follow which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ..core.errors import Conflict
from ..jobs import Job, JobState
from .spec import RunState, StepRun, StepState

# A state that is not a key here is final.
_STEP: dict[StepState, set[StepState]] = {
    StepState.WAITING: {
        StepState.RUNNING,
        StepState.CACHED,
        StepState.FAILED,
        StepState.SKIPPED,
        StepState.CANCELLED,
    },
    StepState.RUNNING: {StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED},
}
_RUN: dict[RunState, set[RunState]] = {
    RunState.RUNNING: {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
}

DONE = (StepState.SUCCEEDED, StepState.CACHED)
"""States of a step whose outputs can be taken."""
LOST = (StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED)
"""States of a step that a repair runs again."""


def is_final(state: StepState | RunState) -> bool:
    """Whether nothing follows."""
    return state not in _STEP if isinstance(state, StepState) else state not in _RUN


def advance(step: StepRun, to: StepState, *, at: datetime, reason: str = "") -> StepRun:
    """The step in its next state. Raises Conflict if that state may not follow."""
    if to not in _STEP.get(step.state, set()):
        raise Conflict(
            f"Step {step.name} is {step.state}.",
            f"It cannot become {to}.",
            "Run the pipeline again.",
        )
    started = at if to in (StepState.RUNNING, StepState.CACHED) else step.started_at
    return replace(
        step, state=to, reason=reason, started_at=started, ended_at=at if is_final(to) else None
    )


def as_its_job(step: StepRun, job: Job) -> StepRun:
    """A running step as users see it: it waits while its job does, with the job's reason; its
    seconds are those of the job.
    """
    if job.state in (JobState.QUEUED, JobState.STARTING):
        return replace(
            step, state=StepState.WAITING, reason=job.reason or step.reason, started_at=None
        )
    return replace(step, started_at=job.started_at)


def check_run(run: str, state: RunState, to: RunState) -> None:
    """Raise Conflict if a run in `state` may not become `to`."""
    if to not in _RUN.get(state, set()):
        raise Conflict(
            f"Run {run} is {state}.",
            f"It cannot become {to}.",
            "Start a new run; what is done is taken from the cache.",
        )


def outcome(steps: Iterable[StepState]) -> RunState:
    """The state of a run when all its steps are final: cancelled before failed, so that a user's
    request is not taken for a failure.
    """
    found = set(steps)
    if StepState.CANCELLED in found:
        return RunState.CANCELLED
    return RunState.FAILED if StepState.FAILED in found else RunState.SUCCEEDED
