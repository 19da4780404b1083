"""The nouns of the current project, as a notebook uses them: `ml.dataset(…)`, `ml.runs(…)`, `ml.deployment(…)`.

Each handle holds a name and asks its domain when it is used; what it prints is the same record that a panel shows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from .core.errors import BadRequest, MLInfraError, NotFound
from .core.records import PAGE_LIMIT, Page, every
from .core.refs import reference
from .jobs.exchange import handed_back
from .widgets.fault import ErrorCard
from .widgets.reprs import bundle
from .workbench import Workbench, current

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import polars as pl

    from .catalog import Table
    from .deployments.spec import DeploymentDetail, Prediction
    from .experiments.spec import Comparison, Run, Version
    from .features.spec import OnlineRow
    from .jobs.spec import Job, LogHits
    from .monitoring.spec import Alert, MonitorStatus
    from .pipelines import Schedule
    from .pipelines.schedules.spec import Firing
    from .pipelines.spec import Backfill, Explanation, PipelineDetail, PipelineRun

_ASKED = 100
"""Jobs whose runs are asked for at a time."""


def dataset(name: str) -> Table:
    """A dataset by `namespace.table`; `.scan()` gives a lazy Polars frame."""
    return current().catalog.dataset(name)


def features(refs: Sequence[str]) -> FeatureSelection:
    """Features by `view:feature` or `view:*`, for training and for online look-up."""
    return FeatureSelection(current(), tuple(refs))


def job(id: str) -> JobHandle:
    """A job by id; a unique beginning is enough."""
    return JobHandle(current(), id)


def pipeline(name: str) -> PipelineHandle:
    """A pipeline by the name in its file."""
    return PipelineHandle(current(), name)


def schedule(name: str) -> ScheduleHandle:
    """A schedule by name."""
    return ScheduleHandle(current(), name)


def runs(which: str | Sequence[str] | None = None, *, where: str = "", sort: str = "-started", limit: int | None = PAGE_LIMIT) -> RunList:
    """Runs of an experiment, or of all, filtered (`metrics.auc > 0.9`); or those with the given ids. limit: at most so many, None for all."""
    workbench = current()
    if which is not None and not isinstance(which, str):
        return RunList(workbench, [workbench.experiments.show(id) for id in which])
    if limit is None:
        return RunList(workbench, list(every(partial(workbench.experiments.runs, which), where=where, sort=sort)))
    page = workbench.experiments.runs(which, where=where, sort=sort, limit=limit)
    return RunList(workbench, page.items, total=page.total, more=page.more)


def run(id: str) -> Run:
    """One run by id; a unique beginning is enough."""
    return current().experiments.show(id)


def track(experiment: str, **options: Any) -> AbstractContextManager[Any]:
    """Track a `with` block as a run: notebook, job, commit and datasets are noted by themselves."""
    return current().experiments.track(experiment, **options)


def model(ref: str) -> ModelHandle:
    """A model version: `name@alias` or `name/3`; a bare name is its champion, and its newest version while it has none."""
    return ModelHandle(current(), ref)


def deployment(name: str) -> DeploymentHandle:
    """A deployment by name."""
    return DeploymentHandle(current(), name)


def monitor(name: str) -> MonitorHandle:
    """A monitor by name."""
    return MonitorHandle(current(), name)


def alert(name: str) -> Alert:
    """An alert by `monitor/rule`."""
    found = [item for item in every(current().monitoring.alerts) if item.ref == f"alert:{name}"]
    if not found:
        raise NotFound(f"There is no alert {name}.", fix="mlinfra alerts list shows those there are.")
    return found[0]


@dataclass(frozen=True)
class FeatureSelection:
    """Some features, in code."""

    workbench: Workbench
    refs: Sequence[str]

    def train(self, entities: pl.DataFrame, *, at: str = "event_timestamp") -> pl.DataFrame:
        """A training set: each row gets the values known at its time `at`; the order of `entities` is kept."""
        return self.workbench.features.training_set(self.refs, entities, at=at)

    def online(self, **keys: Any) -> OnlineRow | list[OnlineRow]:
        """The newest values: of one entity (`user_id=42`), or of several (`user_id=[42, 43]`)."""
        if not keys:
            raise BadRequest("Of which entity?", "No key was given.", "For example .online(origin='JFK')")
        several = {name: value for name, value in keys.items() if isinstance(value, list | tuple)}
        if not several:
            return self.workbench.features.online(self.refs, [keys])[0]
        length = len(next(iter(several.values())))
        if len(several) != len(keys) or any(len(value) != length for value in several.values()):
            raise BadRequest("The keys do not fit together.", "Each key must be a list of the same length.")
        return self.workbench.features.online(self.refs, [dict(zip(keys, row, strict=True)) for row in zip(*keys.values(), strict=True)])


class _Shown(ABC):
    """A noun that shows its record; where there is none, it shows why."""

    @abstractmethod
    def _shown(self) -> Any: ...

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        try:
            return bundle(self._shown())
        except MLInfraError as error:
            return ErrorCard(error)._repr_mimebundle_()


@dataclass(frozen=True)
class JobHandle(_Shown):
    """One job."""

    workbench: Workbench
    id: str

    @property
    def record(self) -> Job:
        """What is known of it now."""
        return self.workbench.jobs.show(self.id)

    def logs(self, *, tail: int | None = None) -> str:
        """Its log, or the last `tail` lines."""
        return self.workbench.jobs.logs(self.id, tail=tail).text

    def search(self, text: str, *, limit: int = 50) -> LogHits:
        """The lines of its log that hold `text`, in any case."""
        return self.workbench.jobs.search_logs(self.id, text, limit=limit)

    def diff(self) -> str:
        """How its code differs from the commit; empty when it does not, or runs no file of the project."""
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
        """Take its cancel back: it waits again in its place."""
        return self.workbench.jobs.restore(self.id)

    def clone(self, *, same_code: bool = False, **changes: Any) -> JobHandle:
        """Submit another like it; changes: fields of JobSpec that differ."""
        return JobHandle(self.workbench, self.workbench.jobs.clone(self.id, same_code=same_code, **changes).id)

    def values(self, timeout: float | None = None) -> dict[str, Any]:
        """What the cell of a `%%job` handed back, by name, once it has succeeded. Raises Conflict when it did not, NotFound for any other job."""
        return handed_back(self.workbench.project.folder("cells"), self.wait(timeout))

    def result(self, timeout: float | None = None) -> Any:
        """The one value that the cell of a `%%job` handed back; all of them by name when there are several."""
        found = self.values(timeout)
        return next(iter(found.values())) if len(found) == 1 else found

    def table(self) -> pl.DataFrame:
        """The elements of an array as a frame: place, state, seconds, parameters and the metrics of the runs that they made."""
        import polars as pl

        elements = list(every(self.workbench.jobs.list, array=self.id))
        metrics = self._metrics([element.id for element in elements if element.notebook])
        rows = list[dict[str, Any]]()
        for element in elements:
            row = {"index": element.index, "job": element.id, "state": str(element.state), "seconds": element.elapsed_seconds}
            rows.append({**row, **element.parameters, **metrics.get(element.id, {})})
        return pl.DataFrame(rows, infer_schema_length=None)

    def _metrics(self, jobs: Sequence[str]) -> dict[str, dict[str, float]]:
        """The metrics of the newest run of each job, of a thousand jobs by a few questions to MLflow."""
        found = dict[str, dict[str, float]]()
        for some in batched(jobs, _ASKED):
            for run in every(self.workbench.experiments.runs, experiment=None, where=f"job IN ({', '.join(map(repr, some))})"):
                found.setdefault(run.job or "", {name: float(value) for name, value in run.metrics.items()})
        return found

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class JobValue(_Shown):
    """A value that the cell of a `%%job` will hand back."""

    job: JobHandle
    name: str

    def result(self, timeout: float | None = None) -> Any:
        """The value, once the job has succeeded. Raises Conflict when it did not, or not within `timeout` seconds."""
        return self.job.values(timeout)[self.name]

    def _shown(self) -> Any:
        return self.job.record


@dataclass(frozen=True)
class PipelineHandle(_Shown):
    """One pipeline."""

    workbench: Workbench
    name: str

    @property
    def record(self) -> PipelineDetail:
        """Its graph and newest runs."""
        return self.workbench.pipelines.show(self.name)

    def run(self, *, force: bool = False, from_step: str | None = None, backend: str | None = None, **parameters: Any) -> PipelineRun:
        """Run it; steps whose code, parameters and inputs are unchanged are taken from the cache. from_step: run this one and what hangs on it."""
        return self.workbench.pipelines.run(self.name, parameters=parameters, force=force, from_step=from_step, backend=backend)

    def step(self, name: str) -> StepHandle:
        """One of its steps, or all elements of a `foreach`; one element is `train[max_depth=4]`."""
        return StepHandle(self.workbench, self.name, name)

    def repair(self, run: str | None = None) -> PipelineRun:
        """Run what failed in a run (default: the newest), and what hangs on it; the rest is taken from that run."""
        newest = self.workbench.pipelines.runs(self.name, limit=1).items
        if run is None and not newest:
            raise NotFound(f"Pipeline {self.name} has no run yet.", fix=f'ml.pipeline("{self.name}").run()')
        return self.workbench.pipelines.repair(run or newest[0].run)

    def backfill(self, first: str, last: str, *, every: str = "day", dry_run: bool = False, parallel: int = 4, **parameters: Any) -> Backfill:
        """One run for each date of a range, oldest first; what is done and unchanged is left out. dry_run: only count."""
        return self.workbench.pipelines.backfill(self.name, first=first, last=last, every=every, parameters=parameters, parallel=parallel, dry_run=dry_run)

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class ScheduleHandle(_Shown):
    """One schedule."""

    workbench: Workbench
    name: str

    @property
    def record(self) -> Schedule:
        """Its next due times, and how many were missed."""
        return self.workbench.schedules.show(self.name)

    def pause(self) -> Schedule:
        """Start nothing until `resume`."""
        return self.workbench.schedules.pause(self.name)

    def resume(self) -> Schedule:
        """Go on with the next due time."""
        return self.workbench.schedules.resume(self.name)

    def run_now(self, *, due: datetime | None = None) -> Firing:
        """Start it at once; due: for that due time, such as one that was missed."""
        return self.workbench.schedules.run_now(self.name, due=due)

    def history(self, *, limit: int = PAGE_LIMIT) -> Sequence[Firing]:
        """What became of its due times, newest first."""
        return self.workbench.schedules.history(self.name, limit=limit).items

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class StepHandle(_Shown):
    """One step of a pipeline."""

    workbench: Workbench
    pipeline: str
    name: str

    def explain(self) -> Explanation:
        """Why it would run again now, or that it would not."""
        return self.workbench.pipelines.explain(f"{self.pipeline}/{self.name}")

    def run(self, *, force: bool = False, backend: str | None = None, **parameters: Any) -> PipelineRun:
        """Run it alone, with other values for some of its notebook's parameters; what it takes must be there."""
        return self.workbench.pipelines.run_step(self.pipeline, self.name, parameters=parameters, force=force, backend=backend)

    def _shown(self) -> Any:
        return self.explain()


class RunList(Sequence["Run"]):
    """Runs, in order. No list: a notebook shows lists its own way. total: how many there are, where these are only the first; more: or further ones."""

    def __init__(self, workbench: Workbench, items: Sequence[Run], *, total: int | None = None, more: bool = False) -> None:
        self._workbench = workbench
        self._items = items
        self._total = len(items) if total is None else total
        self._more = more

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return RunList(self._workbench, self._items[index]) if isinstance(index, slice) else self._items[index]

    def compare(self, *, curves: bool = True) -> Comparison:
        """What differs between them."""
        return self._workbench.experiments.compare([item.id for item in self], curves=curves)

    def frame(self) -> pl.DataFrame:
        """One row a run: id, name, status, start, then its metrics and parameters."""
        import polars as pl

        rows = [
            {"run": item.id, "name": item.name, "status": item.status, "started_at": item.started_at}
            | {f"metrics.{key}": value for key, value in item.metrics.items()}
            | {f"params.{key}": value for key, value in item.params.items()}
            for item in self
        ]
        return pl.from_dicts(rows, infer_schema_length=None) if rows else pl.DataFrame()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        note = "limit=None gives them all" if self._more or self._total != len(self) else ""
        page = Page(items=self._items, shown=len(self), total=self._total, note=note, more=self._more)
        return bundle(page, ref=reference("experiment", self[0].experiment) if self else "")

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])


@dataclass(frozen=True)
class ModelHandle(_Shown):
    """One model version."""

    workbench: Workbench
    ref: str

    def load(self) -> Any:
        """The model in its own library (an XGBoost booster, say), in this kernel."""
        return self.workbench.experiments.load(self.record.ref)

    @property
    def record(self) -> Version:
        """What is known of it."""
        experiments = self.workbench.experiments
        if "@" in self.ref or "/" in self.ref:
            return experiments.version(self.ref)
        try:
            return experiments.version(f"{self.ref}@champion")
        except NotFound:
            versions = experiments.model(self.ref).versions
            if not versions:
                raise
            return versions[0]

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class DeploymentHandle(_Shown):
    """One deployment."""

    workbench: Workbench
    name: str

    @property
    def record(self) -> DeploymentDetail:
        """Its versions, traffic and history."""
        return self.workbench.deployments.show(self.name)

    def predict(self, rows: pl.DataFrame | Sequence[Mapping[str, Any]], *, version: str | None = None) -> Prediction:
        """Ask for predictions through the gateway; the answer names the version that gave them."""
        return self.workbench.deployments.predict(self.name, rows, version=version)

    def _shown(self) -> Any:
        return self.record.deployment


@dataclass(frozen=True)
class MonitorHandle(_Shown):
    """One monitor."""

    workbench: Workbench
    name: str

    def status(self, since: timedelta | None = None) -> MonitorStatus:
        """Drift, latency and alerts of the window since then."""
        return self.workbench.monitoring.status(self.name, since=since)

    def frame(self, since: timedelta | None = None) -> pl.DataFrame:
        """The logged requests."""
        return self.workbench.monitoring.frame(self.name, since=since)

    def refused(self, since: timedelta | None = None) -> pl.DataFrame:
        """Requests that were refused or failed: the reason, and what was sent."""
        return self.workbench.monitoring.refused(self.name, since=since)

    def _shown(self) -> Any:
        return self.status()
