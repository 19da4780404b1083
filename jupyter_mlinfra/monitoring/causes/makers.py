"""The step or the notebook that wrote a dataset, and the newest run of that step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.refs import decoded

if TYPE_CHECKING:
    from ...jobs import Job, Jobs
    from ...pipelines import PipelineRun, Pipelines, StepRun

MOST_RUNS = 200
"""So many of the newest runs are searched for the step that a job was."""

_MADE = ("succeeded", "cached")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What wrote a dataset; names and ids, empty where unknown. cell: id of the notebook's cell
    that was running. later: the newest successful run of the step, with it, if that is another one.
    """

    pipeline: str = ""
    step: str = ""
    run: str = ""
    job: str = ""
    notebook: str = ""
    executed: str = ""
    cell: str = ""
    later: tuple[PipelineRun, StepRun] | None = None
    reasons: Sequence[str] = field(default=())


def maker_of(written_by: str, jobs: Jobs, pipelines: Pipelines) -> Maker:
    """What a snapshot or an event of lineage names as its writer: `job:ID`, `notebook:PATH#CELL` or
    `user:NAME`.
    """
    kind, _, name = written_by.partition(":")
    if kind == "job":
        return _of_job(decoded(name), jobs, pipelines)
    if kind == "notebook":
        path, _, cell = name.partition("#")
        return Maker(
            notebook=path,
            cell=cell,
            reasons=(f"{path} wrote it by hand, not as a step: it is shown as it is now.",),
        )
    if kind == "user":
        return Maker(reasons=(f"{name} wrote it at a prompt or with a script, not in a notebook.",))
    return Maker(reasons=("It is not known what wrote it: another program did.",))


def _of_job(id: str, jobs: Jobs, pipelines: Pipelines) -> Maker:
    job: Job | None = None
    reasons: list[str] = []
    try:
        job = jobs.look(id)
    except MLInfraError as error:
        reasons.append(f"Job {id} is no longer known: {error.what}")
    pipeline = job.labels.get("pipeline") if job else None
    runs: Sequence[PipelineRun] = ()
    if pipeline is not None or job is None:
        try:
            runs = pipelines.runs(pipeline, limit=MOST_RUNS).items
        except MLInfraError as error:
            reasons.append(str(error))
    # The oldest run with that job made it; the newer ones took its result from the cache.
    made = next(((run, step) for run, step in _steps(runs[::-1]) if step.job == id), None)
    notebook = (job.notebook or "") if job else ""
    if made is None:
        reasons.append(
            f"Its run is not among the newest {MOST_RUNS}."
            if pipeline
            else f"Job {id} was not a step of a pipeline."
        )
        return Maker(
            pipeline=pipeline or "",
            step=job.labels.get("step", "") if job and pipeline else "",
            run=job.labels.get("run", "") if job and pipeline else "",
            job=id,
            notebook=notebook,
            executed=(job.output or "") if job else "",
            reasons=reasons,
        )
    run, step = made
    return Maker(
        pipeline=run.pipeline,
        step=step.name,
        run=run.run,
        job=id,
        notebook=notebook,
        executed=step.notebook or ((job.output or "") if job else ""),
        later=_newest(runs, run, step),
        reasons=reasons,
    )


def _newest(
    runs: Sequence[PipelineRun], made: PipelineRun, step: StepRun
) -> tuple[PipelineRun, StepRun] | None:
    """The newest run in which the step succeeded, unless that is the one that made it."""
    for run, found in _steps(runs):
        if run.run == made.run:
            return None
        if (run.pipeline, found.name) == (made.pipeline, step.name) and found.state in _MADE:
            return run, found
    return None


def _steps(runs: Sequence[PipelineRun]) -> Iterator[tuple[PipelineRun, StepRun]]:
    return ((run, step) for run in runs for step in run.steps)
