"""What a repair, or a run from a step on, runs again and what it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from ..core.errors import Conflict, NotFound
from . import graph
from .binding import elements_of
from .definition import Definition, StepDefinition
from .rows import RunEntry, RunRequest
from .spec import PipelineRun, StepRun
from .state import DONE, LOST
from .store import RunStore


def repair(base: RunEntry, bound: Definition, *, backend: str | None) -> RunRequest:
    """Steps that failed, were cancelled or skipped run again, with everything that depends on them;
    what had succeeded is taken from the repaired run.

    bound: the present pipeline. Raises Conflict if everything had succeeded.
    """
    run = base.run
    lost = {step.name: f"{step.state} in run {run.run}" for step in lost_steps(run, bound)}
    if not lost:
        gone = ", ".join(step.name for step in run.steps if step.state in LOST)
        why = (
            f"The steps that did not succeed are no longer in the pipeline: {gone}."
            if gone
            else "All of its steps succeeded."
        )
        raise Conflict(
            f"Run {run.run} has nothing to repair.", why, f"mlinfra pipelines run {run.pipeline}"
        )
    again = _with_what_hangs_on(bound, lost)
    keep = {
        step.name: step.job
        for step in run.steps
        if step.state in DONE and step.job and step.name not in again
    }
    return RunRequest(
        again=again,
        keep=keep,
        repairs=run.run,
        backend=backend,
        only=base.plan.only,
        given=base.plan.given,
    )


def lost_steps(run: PipelineRun, bound: Definition) -> list[StepRun]:
    """The steps of a run that a repair would run again: they did not succeed, and the pipeline
    still has them. bound: the present pipeline.
    """
    names = {step.name for step in bound.steps}
    return [step for step in run.steps if step.state in LOST and step.name in names]


def from_step(
    bound: Definition, name: str | None, store: RunStore, *, backend: str | None
) -> RunRequest:
    """That step and what depends on it run; for all others the last results are taken. None: all as
    the cache says.
    """
    if name is None:
        return RunRequest(backend=backend)
    chosen = find(bound, name)
    again = _with_what_hangs_on(bound, {step.name: f"requested: from {name} on" for step in chosen})
    keep = {}
    for step in bound.steps:
        result = store.result(bound.name, step.name, step.slot)
        if step.name not in again and result is not None and result.job is not None:
            keep[step.name] = result.job
    return RunRequest(again=again, keep=keep, backend=backend)


def find(bound: Definition, name: str) -> list[StepDefinition]:
    """The step, or all its elements. Raises NotFound with the nearest name."""
    found = elements_of(bound, name)
    if not found:
        known: Iterable[str] = dict.fromkeys(
            [step.file_name for step in bound.steps] + [step.name for step in bound.steps]
        )
        close = get_close_matches(name, known, n=1)
        steps = ", ".join(dict.fromkeys(step.file_name for step in bound.steps))
        raise NotFound(
            f"Pipeline {bound.name} has no step {name}.",
            f"Its steps: {steps}.",
            f"Did you mean {close[0]}?" if close else "",
        )
    return found


def _with_what_hangs_on(bound: Definition, reasons: Mapping[str, str]) -> dict[str, str]:
    found = dict(reasons)
    for name in reasons:
        for other in graph.downstream(bound.after, name):
            found.setdefault(other, f"{name} runs again")
    return found
