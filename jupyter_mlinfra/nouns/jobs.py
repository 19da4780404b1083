"""`ml.job` and `ml.submit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from ..core.records import every
from ..jobs import JobSpec, values_of
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    import polars as pl

    from ..jobs.spec import Job, LogHits

_JOBS_A_QUESTION = 100
"""How many jobs' runs are requested at a time."""


def job(id: str) -> JobHandle:
    """A job by id; a unique beginning is enough."""
    return JobHandle(current(), id)


def submit(what: str | Path | Sequence[str], **options: Any) -> JobHandle:
    """Submit a notebook of the project (`"train.ipynb"`) or a command (`["python", "train.py"]`) as
    a job; it outlives this kernel.

    options: the other fields of JobSpec, such as `parameters={"depth": 6}`, `gpus=1`,
    `memory_gib=8`, `array=[{"depth": 4}, {"depth": 6}]`. Raises BadRequest, NotFound or
    Unprocessable for a job that can never run.
    """
    workbench = current()
    return JobHandle(
        workbench, workbench.jobs.submit(_spec(what, workbench.project.root, options)).id
    )


def _spec(what: str | Path | Sequence[str], root: Path, options: dict[str, Any]) -> JobSpec:
    names = sorted({field.name for field in fields(JobSpec)} - {"notebook", "command"})
    if unknown := [name for name in options if name not in names]:
        raise BadRequest(f"A job has no {unknown[0]}.", fix=f"It has: {', '.join(names)}.")
    if not isinstance(what, str | Path):
        return JobSpec(command=list(map(str, what)), **options)
    path = Path(what)
    if path.suffix != ".ipynb":
        raise BadRequest(
            f"{what} is not a notebook.",
            "A command is a list of words.",
            'For example ml.submit(["python", "train.py"])',
        )
    # A notebook's own folder is the working directory, as on the command line.
    absolute = path.resolve()
    return JobSpec(
        notebook=(
            str(absolute.relative_to(root))
            if absolute.is_file() and absolute.is_relative_to(root)
            else str(path)
        ),
        **options,
    )


@dataclass(frozen=True)
class JobHandle(Shown):
    """One job."""

    workbench: Workbench = field(repr=False)
    id: str

    @property
    def record(self) -> Job:
        """What is known about it now."""
        return self.workbench.jobs.show(self.id)

    def logs(self, *, tail: int | None = None) -> str:
        """Its log, or the last `tail` lines."""
        return self.workbench.jobs.logs(self.id, tail=tail).text

    def search(self, text: str, *, limit: int = 50) -> LogHits:
        """The lines of its log that contain `text`, ignoring case."""
        return self.workbench.jobs.search_logs(self.id, text, limit=limit)

    def diff(self) -> str:
        """How its code differs from the commit; empty if it does not, or if it runs no file of the
        project.
        """
        found = self.workbench.jobs.diff(self.id)
        return found.text if found else ""

    def wait(self, timeout: float | None = None) -> Job:
        """Wait for its end, at most `timeout` seconds."""
        return self.workbench.jobs.wait([self.id], timeout=timeout)[0]

    def cancel(self) -> Job:
        """Stop it and everything that it started."""
        return self.workbench.jobs.cancel(self.id)

    def requeue(self) -> Job:
        """Start it again under the same id, from its checkpoints."""
        return self.workbench.jobs.requeue(self.id)

    def restore(self) -> Job:
        """Undo its cancel: it is queued again in its place."""
        return self.workbench.jobs.restore(self.id)

    def clone(self, *, same_code: bool = False, **changes: Any) -> JobHandle:
        """Submit another like it; changes: fields of JobSpec that differ."""
        return JobHandle(
            self.workbench, self.workbench.jobs.clone(self.id, same_code=same_code, **changes).id
        )

    def values(self, timeout: float | None = None) -> dict[str, Any]:
        """The values that the cell of a `%%job` returned, by name, once it has succeeded. Raises
        Conflict if it did not, NotFound for any other job.
        """
        return values_of(self.workbench.project.folder("cells"), self.wait(timeout))

    def result(self, timeout: float | None = None) -> Any:
        """The single value that the cell of a `%%job` returned, or all of them by name."""
        found = self.values(timeout)
        return next(iter(found.values())) if len(found) == 1 else found

    def table(self) -> pl.DataFrame:
        """The elements of an array as a frame: place, state, seconds, parameters and the metrics of
        their runs.
        """
        import polars as pl

        elements = list(every(self.workbench.jobs.list, array=self.id))
        metrics = self._metrics([element.id for element in elements if element.notebook])
        rows = list[dict[str, Any]]()
        for element in elements:
            row = {
                "index": element.index,
                "job": element.id,
                "state": str(element.state),
                "seconds": element.elapsed_seconds,
            }
            rows.append({**row, **element.parameters, **metrics.get(element.id, {})})
        return pl.DataFrame(rows, infer_schema_length=None)

    def _metrics(self, jobs: Sequence[str]) -> dict[str, dict[str, float]]:
        """The metrics of the newest run of each job, in a few requests to MLflow even for a
        thousand jobs.
        """
        found = dict[str, dict[str, float]]()
        for batch in batched(jobs, _JOBS_A_QUESTION):
            for run in every(
                self.workbench.experiments.runs,
                experiment=None,
                where=f"job IN ({', '.join(map(repr, batch))})",
            ):
                found.setdefault(
                    run.job or "", {name: float(value) for name, value in run.metrics.items()}
                )
        return found

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class JobValue(Shown):
    """A value that the cell of a `%%job` will return."""

    job: JobHandle
    name: str

    def result(self, timeout: float | None = None) -> Any:
        """The value, once the job has succeeded. Raises Conflict if it did not, or not within
        `timeout` seconds.
        """
        return self.job.values(timeout)[self.name]

    def _shown(self) -> Any:
        return self.job.record
