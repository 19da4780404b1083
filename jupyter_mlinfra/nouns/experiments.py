"""`ml.runs`, `ml.run`, `ml.track` and `ml.model`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import NotFound
from ..core.records import PAGE_LIMIT, Page, every
from ..core.refs import reference
from ..deployments import MAX_ERRORS
from ..faces.parse import duration
from ..widgets.reprs import bundle
from ..workbench import Workbench, current
from .deployments import DeploymentHandle
from .jobs import JobHandle
from .shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from ..experiments.spec import Comparison, Run, Version
    from ..experiments.tracking import TrackedRun
    from ..experiments.verdict import Verdict


def runs(
    which: str | Sequence[str] | None = None,
    *,
    where: str = "",
    sort: str = "-started",
    limit: int | None = PAGE_LIMIT,
) -> RunList:
    """Runs of an experiment, or of all, filtered (`metrics.auc > 0.9`); or those with the given
    ids. limit: the most runs, None for all.
    """
    workbench = current()
    if which is not None and not isinstance(which, str):
        return RunList(workbench, [workbench.experiments.show(id) for id in which])
    if limit is None:
        return RunList(
            workbench,
            list(every(partial(workbench.experiments.runs, which), where=where, sort=sort)),
        )
    page = workbench.experiments.runs(which, where=where, sort=sort, limit=limit)
    return RunList(workbench, page.items, total=page.total, more=page.more)


def run(id: str) -> RunHandle:
    """One run by id; a unique beginning is enough."""
    workbench = current()
    return RunHandle(workbench, workbench.experiments.show(id))


def track(experiment: str, **options: Any) -> AbstractContextManager[TrackedRun]:
    """Track a `with` block as a run: notebook, job, commit and datasets are recorded
    automatically.
    """
    return current().experiments.track(experiment, **options)


def verdict(control: Any, treatment: Any, **options: Any) -> Verdict:
    """Whether the treatment is better than the control, from the outcomes of both so far; always
    valid, however often it is asked. options: see `experiments.verdict.verdict`.
    """
    from ..experiments import verdict_of

    return verdict_of(control, treatment, **options)


def model(ref: str) -> ModelHandle:
    """A model version: `name@alias` or `name/3`; a bare name is its champion, or its newest version
    if it has none.
    """
    return ModelHandle(current(), ref)


@dataclass(frozen=True)
class RunHandle(Shown):
    """One run, as it was when the handle was created."""

    workbench: Workbench = field(repr=False)
    record: Run

    @property
    def id(self) -> str:
        """Its id in MLflow."""
        return self.record.id

    @property
    def name(self) -> str:
        """Its name in lists."""
        return self.record.name

    @property
    def status(self) -> str:
        """Whether it runs, or how it ended."""
        return self.record.status

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The last value of each metric."""
        return self.record.metrics

    @property
    def params(self) -> Mapping[str, str]:
        """Its parameters, as text."""
        return self.record.params

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> RunHandle:
        """Add metrics, even after its end."""
        return RunHandle(
            self.workbench, self.workbench.experiments.log_metrics(self.id, metrics, step=step)
        )

    def register(self, model: str, *, artifact: str = "model") -> ModelHandle:
        """Register the model that it logged as a version of `model`; a second call returns the same
        version.
        """
        found = self.workbench.experiments.register(self.id, model=model, artifact=artifact)
        return ModelHandle(self.workbench, f"{found.model}/{found.version}")

    def _shown(self) -> Any:
        return self.record


class RunList(Sequence[RunHandle]):
    """Runs, in order. Not a list, because notebooks display lists in their own way. total: how many
    there are, if these are only the first; more: whether there are further ones.
    """

    def __init__(
        self,
        workbench: Workbench,
        items: Sequence[Run],
        *,
        total: int | None = None,
        more: bool = False,
    ) -> None:
        self._workbench = workbench
        self._items = items
        self._total = len(items) if total is None else total
        self._more = more

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        found = self._items[index]
        return (
            RunList(self._workbench, found)
            if isinstance(index, slice)
            else RunHandle(self._workbench, found)
        )

    def compare(self, *, curves: bool = True) -> Comparison:
        """Their differences."""
        return self._workbench.experiments.compare([item.id for item in self._items], curves=curves)

    def frame(self) -> pl.DataFrame:
        """One row per run: id, name, status, start, then its metrics and parameters."""
        import polars as pl

        rows = [
            {
                "run": item.id,
                "name": item.name,
                "status": item.status,
                "started_at": item.started_at,
            }
            | {f"metrics.{key}": value for key, value in item.metrics.items()}
            | {f"params.{key}": value for key, value in item.params.items()}
            for item in self._items
        ]
        return pl.from_dicts(rows, infer_schema_length=None) if rows else pl.DataFrame()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        note = "limit=None gives them all" if self._more or self._total != len(self) else ""
        page = Page(
            items=self._items, shown=len(self), total=self._total, note=note, more=self._more
        )
        return bundle(
            page, ref=reference("experiment", self._items[0].experiment) if self._items else ""
        )

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])


@dataclass(frozen=True)
class ModelHandle(Shown):
    """One model version."""

    workbench: Workbench = field(repr=False)
    ref: str

    @property
    def record(self) -> Version:
        """What is known about it."""
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

    @property
    def name(self) -> str:
        """`model/3`: the name of a version everywhere, whatever alias it was found by."""
        record = self.record
        return f"{record.model}/{record.version}"

    @property
    def run(self) -> RunHandle:
        """The run that made it. Raises NotFound if there is none."""
        record = self.record
        if record.run is None:
            raise NotFound(
                f"No run made {record.model}/{record.version}.", "It was registered from files."
            )
        return RunHandle(self.workbench, self.workbench.experiments.show(record.run))

    @property
    def versions(self) -> Sequence[ModelHandle]:
        """The newest versions of its model, newest first."""
        found = self.workbench.experiments.model(self.record.model).versions
        return [ModelHandle(self.workbench, f"{item.model}/{item.version}") for item in found]

    def load(self) -> Any:
        """The model in its own library (for example an XGBoost booster), in this kernel."""
        return self.workbench.experiments.load(self.record.ref)

    def promote(self, alias: str = "champion") -> Version:
        """Point an alias at it; the previous champion stays available as `rollback`."""
        return self.workbench.experiments.promote(self.record.ref, alias=alias)

    def delete(self, *, reason: str = "") -> Version:
        """Take it out of the registry; returns it as it was. Raises Conflict while an alias points
        at it, or a deployment keeps it.
        """
        return self.workbench.experiments.delete_version(self.record.ref, reason=reason)

    def reference(self, frame: pl.DataFrame, *, score: Sequence[float] | None = None) -> Path:
        """Store what it saw in training for its monitors: bins and counts of each input in `frame`,
        and of its answers `score`, never rows.
        """
        return self.workbench.monitoring.reference(self.record.ref, frame, score=score)

    def deploy(
        self,
        name: str,
        *,
        traffic: int | None = None,
        answers: Literal["classes", "probabilities"] | None = None,
        runtime: str | None = None,
        workers: int | None = None,
        features: Sequence[str] | None = None,
        missing: Literal["error", "null", "default"] | None = None,
        defaults: Mapping[str, Any] | None = None,
        override: str = "",
        reason: str = "",
        shadow: bool | int = False,
        steps: Sequence[int] = (),
        every: str = "10min",
        least_requests: int = 100,
        goal: Literal["", "reward", "kpi", "error"] = "",
        better: Literal["", "higher", "lower"] = "",
        target: Literal["local", "kubernetes"] = "local",
        on_progress: Callable[[str], None] | None = None,
    ) -> DeploymentHandle:
        """Deploy it as `name`: package it, start it, test it, and only then give it traffic.

        traffic: its percentage; None: all for the first version of a deployment, nothing for a
        later one. answers: what a classifier answers. runtime: `seldon-core`, `mlserver` or
        `open-inference`; workers: how many; None: as the settings say. features: views whose values
        come from the online store, while a request carries their keys; missing, defaults: what a
        value becomes that is not there or is past its ttl. override: why it gets traffic even if
        tests fail. shadow: it gets copies of the requests, of all (True) or of a percentage, and no
        traffic. steps: its shares, one after the other, each for `every` and until it has answered
        `least_requests`, while its errors, its latency and the outcomes of `goal` allow it; else it
        is rolled back. target: with `kubernetes`, what passes its tests here then goes to the
        clusters of the settings.
        """
        from ..deployments import DeliverySpec

        version = self.record.ref
        self.workbench.deployments.deploy(
            name,
            version=version,
            traffic=traffic,
            answers=answers,
            runtime=runtime,
            workers=workers,
            features=features,
            missing=missing,
            defaults=defaults,
            override=override,
            reason=reason,
            delivery=DeliverySpec(
                shadow=100 if shadow is True else int(shadow),
                steps=tuple(steps),
                every_seconds=duration(every).total_seconds(),
                least_requests=least_requests,
                goal=goal,
                better=better,
            ),
            target=target,
            on_progress=on_progress,
        )
        return DeploymentHandle(self.workbench, name)

    def batch(
        self,
        source: str,
        into: str,
        *,
        keep: Sequence[str] | None = None,
        answers: Literal["classes", "probabilities"] | None = None,
        max_errors: float = MAX_ERRORS,
        mode: Literal["append", "replace"] = "append",
        again: bool = False,
        workers: int | None = None,
        new: bool = False,
        features: Sequence[str] | None = None,
        missing: Literal["error", "null", "default"] | None = None,
        defaults: Mapping[str, Any] | None = None,
        at: str = "event_timestamp",
    ) -> JobHandle:
        """Score the dataset `source` into the dataset `into`, as a job that goes on where it was
        killed. `into` gets the rows with `prediction`, `model_version` and `error`.

        keep: columns of the source in the result; None for all. max_errors: share of rows that may
        be refused. again: add predictions that `into` has already once more. new: only the rows
        that were added to `source` since its last batch into `into`. features, missing, defaults:
        as in `deploy`, but as known at the time of each row, in the column `at`; None: those of its
        deployment, if `source` lacks inputs of the model.
        """
        submitted = self.workbench.deployments.batch(
            self.record.ref,
            source=source,
            into=into,
            keep=keep,
            answers=answers,
            max_errors=max_errors,
            mode=mode,
            again=again,
            workers=workers,
            new=new,
            features=features,
            missing=missing,
            defaults=defaults,
            at=at,
        )
        return JobHandle(self.workbench, submitted.job)

    def _shown(self) -> Any:
        return self.record
