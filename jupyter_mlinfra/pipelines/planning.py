"""What a repair, or a run from a step on, runs again and what it keeps; which runs a repair would
change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ..core.errors import Conflict, MLInfraError, NotFound, Unprocessable
from . import graph
from .binding import elements_of
from .definition import Definition, StepDefinition
from .rows import RunEntry, RunRequest
from .spec import PipelineRun, StepRun
from .state import DONE, LOST
from .store import RunStore

Bind = Callable[[Definition, Mapping[str, Any]], Definition]
"""The steps of a pipeline with the values of a run."""


def repair(base: RunEntry, bound: Definition, *, backend: str | None) -> RunRequest:
    """Steps that failed, were cancelled or skipped run again, with everything that depends on them;
    what had succeeded is taken from the repaired run.

    bound: the present pipeline. Raises Conflict if everything had succeeded.
    """
    run = base.run
    lost = {step.name: f"{step.state} in run {run.run}" for step in lost_steps(run, bound)}
    if not lost:
        removed = ", ".join(step.name for step in run.steps if step.state in LOST)
        why = (
            f"The steps that did not succeed are no longer in the pipeline: {removed}."
            if removed
            else "All of its steps succeeded."
        )
        raise Conflict(
            f"Run {run.run} has nothing to repair.", why, f"mlinfra pipelines run {run.pipeline}"
        )
    again = _with_dependents(bound, lost)
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


def as_the_files_are(
    runs: Sequence[PipelineRun], find_pipeline: Callable[[str], Definition], bind: Bind
) -> list[PipelineRun]:
    """Runs, repairable only if the file still has a step to run again; while a file is broken they
    may be.
    """
    files: dict[str, Definition | None] = {}
    for name in {run.pipeline for run in runs if run.repairable}:
        with contextlib.suppress(Unprocessable, Conflict):
            try:
                files[name] = find_pipeline(name)
            except NotFound:
                files[name] = None
    return [
        (
            replace(run, repairable=_has_lost(run, files[run.pipeline], bind))
            if run.repairable and run.pipeline in files
            else run
        )
        for run in runs
    ]


def _has_lost(run: PipelineRun, definition: Definition | None, bind: Bind) -> bool:
    if definition is None:
        return False
    with contextlib.suppress(MLInfraError):  # as a repair would report
        return bool(lost_steps(run, bind(definition, values_of(run, definition))))
    return True


def values_of(run: PipelineRun, definition: Definition) -> dict[str, Any]:
    """The values of an earlier run, as far as the file still has their names."""
    parameters = {
        name: value
        for name, value in run.parameters.items()
        if name in definition.parameters or name == definition.date
    }
    return definition.values(parameters, checked=False)


def from_step(
    bound: Definition, name: str | None, store: RunStore, *, backend: str | None
) -> RunRequest:
    """That step and what depends on it run; for all others the last results are taken. None: all as
    the cache says.
    """
    if name is None:
        return RunRequest(backend=backend)
    chosen = find(bound, name)
    again = _with_dependents(bound, {step.name: f"requested: from {name} on" for step in chosen})
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
        names: Iterable[str] = dict.fromkeys(
            [step.file_name for step in bound.steps] + [step.name for step in bound.steps]
        )
        close = get_close_matches(name, names, n=1)
        steps = ", ".join(dict.fromkeys(step.file_name for step in bound.steps))
        raise NotFound(
            f"Pipeline {bound.name} has no step {name}.",
            f"Its steps: {steps}.",
            f"Did you mean {close[0]}?" if close else "",
        )
    return found


def _with_dependents(bound: Definition, reasons: Mapping[str, str]) -> dict[str, str]:
    found = dict(reasons)
    for name in reasons:
        for other in graph.downstream(bound.after, name):
            found.setdefault(other, f"{name} runs again")
    return found
