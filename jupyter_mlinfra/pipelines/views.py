"""Pipelines and their runs as interfaces and search show them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.records import Page
from ..core.refs import reference
from ..core.search import Document
from .binding import records
from .definition import Definition
from .file import SUFFIX, load, shown
from .snippets import run_code
from .spec import Pipeline, PipelineDetail, PipelineRun, RunState, StepState

if TYPE_CHECKING:
    from ..jobs import Jobs

Tracked = Callable[[str], Iterable[tuple[str, str]]]
"""Pipeline run → (step, id) of each tracked run that it made."""


def summary(definition: Definition, last: Sequence[RunState]) -> Pipeline:
    """A pipeline in a list. last: states of its newest runs."""
    name = definition.name
    steps = len(definition.steps)
    return Pipeline(
        ref=reference("pipeline", name),
        name=name,
        path=definition.path,
        steps=steps,
        last=last,
        description=definition.description,
    )


def listed(root: Path, path: Path, last: Callable[[str], Sequence[RunState]]) -> Pipeline:
    """The pipeline of a file; a broken one has the file's name and says so in `problem`."""
    try:
        definition = load(root, path)
    except MLInfraError as error:
        name = _file_name(root, path)
        place = shown(root, path)
        return Pipeline(
            ref=reference("pipeline", name),
            name=name,
            path=place,
            steps=0,
            last=last(name),
            description="",
            problem=str(error),
        )
    return summary(definition, last(definition.name))


def detail(
    definition: Definition, bound: Definition, last: Sequence[RunState], runs: Page[PipelineRun]
) -> PipelineDetail:
    """A single pipeline. bound: with its default values."""
    name = definition.name
    return PipelineDetail(
        pipeline=summary(definition, last),
        graph=records(definition, bound),
        runs=runs.items,
        runs_total=runs.total,
        code=run_code(name, definition.parameters),
        parameters=definition.parameters,
        date=definition.date,
    )


def brief(run: PipelineRun) -> PipelineRun:
    """A run as a list shows it: only the first line of why its steps ran."""
    return replace(
        run, steps=[replace(step, detail=step.detail.partition("\n")[0]) for step in run.steps]
    )


def with_tracked(run: PipelineRun, tracked: Tracked, jobs: Jobs) -> PipelineRun:
    """With the tracked runs of its steps. A step that was taken from the cache shows what its job
    tracked in the run that made it.
    """
    runs_of: dict[str, list[tuple[str, str]]] = {}
    steps = []
    for step in run.steps:
        found: list[str] = []
        with contextlib.suppress(
            MLInfraError
            # Neither a forgotten job nor a store that does not answer keeps a run from being shown.
        ):
            if step.job is not None:
                made_in = (
                    jobs.look(step.job).labels.get("run", "")
                    if step.state is StepState.CACHED
                    else run.run
                )
                if made_in not in runs_of:
                    runs_of[made_in] = list(tracked(made_in))
                found = [id for name, id in runs_of[made_in] if name == step.name]
        steps.append(replace(step, runs=tuple(found)))
    return replace(run, steps=steps)


def documents(root: Path, path: Path) -> Iterator[Document]:
    """A pipeline and its steps for the index of search; a broken file by its name."""
    try:
        definition = load(root, path)
    except MLInfraError as error:
        name = _file_name(root, path)
        yield Document(
            ref=reference("pipeline", name), kind="pipeline", name=name, detail=error.what
        )
        return
    text_of_steps = " ".join(
        [definition.description, definition.path, *(step.name for step in definition.steps)]
    )
    detail = f"{len(definition.steps)} steps · {definition.path}"
    yield Document(
        ref=reference("pipeline", definition.name),
        kind="pipeline",
        name=definition.name,
        text=text_of_steps,
        detail=detail,
    )
    for step in definition.steps:
        ref, name = reference("step", definition.name, step.name), f"{definition.name}/{step.name}"
        text = " ".join([step.description, step.notebook, *step.inputs, *step.outputs])
        yield Document(ref=ref, kind="step", name=name, text=text, detail=step.notebook)


def _file_name(root: Path, path: Path) -> str:
    return PurePosixPath(shown(root, path)).name.removesuffix(SUFFIX)
