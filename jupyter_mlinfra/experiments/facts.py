"""A run and a version as a store has them, before they become records: what both sources return."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..core.refs import reference
from .spec import Run, Version

RUNNING = "running"
NOTEBOOK, JOB, STEP = "mlinfra.notebook", "mlinfra.job", "mlinfra.step"
"""Tags that `track` writes."""

SIGNATURE, DIGEST, FLAVORS = "mlinfra.signature", "mlinfra.digest", "mlinfra.flavors"
"""Tags that `register` writes on a version."""

FEAST_VIEWS = "feast.feature_views"
"""Tag by which Feast's `mlflow:` tells the views whose features a run read, with commas between."""

_SHOWN_ELSEWHERE = {
    NOTEBOOK,
    JOB,
    STEP,
    "mlflow.user",
    "mlflow.runName",
    "mlflow.source.name",
    "mlflow.source.type",
    "mlflow.log-model.history",
    "mlflow.runColor",
}
DATASET_SOURCE = "mlinfra"
"""Source type of the MLflow inputs that `track` writes; the source is `{"ref": …}`."""

_INFINITE = 1.7976931348623157e308  # how MLflow's SQL store writes infinity

LAUNCHER = "ipykernel_launcher.py"
"""What MLflow takes for the notebook if no Jupyter server tells the kernel which notebook
it runs.
"""


Ends = Callable[[str], tuple[str, int] | None]
"""How the job with an id ended: the status for runs that it left running, and when in milliseconds;
None while it runs or if it is unknown.
"""


def unknown(job: str) -> None:
    """`Ends` for stores without jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run. started, ended: milliseconds since 1970 in UTC. tags: all of them. datasets,
    versions: references.
    """

    id: str
    name: str
    experiment: str
    status: str
    user: str
    started: int | None
    ended: int | None
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    datasets: Sequence[str] = ()
    versions: Sequence[str] = ()

    @property
    def duration(self) -> float | None:
        """Seconds, None while it runs."""
        return (
            None
            if self.started is None or self.ended is None
            else (self.ended - self.started) / 1000
        )

    def with_job_end(self, ends: Ends) -> RunFacts:
        """The run as it is shown: a killed process could not end its run, so the end of its job is
        used instead.
        """
        end = ends(self.tags[JOB]) if self.status == RUNNING and self.tags.get(JOB) else None
        return self if end is None else replace(self, status=end[0], ended=end[1])

    def record(self) -> Run:
        """The record that interfaces show."""
        return Run(
            ref=f"run:{self.id}",
            id=self.id,
            name=self.name,
            experiment=self.experiment,
            status=self.status,
            user=self.user,
            started_at=moment(self.started),
            ended_at=moment(self.ended),
            duration_seconds=self.duration,
            metrics=self.metrics,
            params=self.params,
            tags={key: value for key, value in self.tags.items() if key not in _SHOWN_ELSEWHERE},
            notebook=self.notebook,
            job=self.tags.get(JOB),
            datasets=self.read,
            versions=self.versions,
            step=self.tags.get(STEP),
        )

    @property
    def read(self) -> Sequence[str]:
        """References of what it read: its datasets, then views that Feast has noted."""
        *names, last = self.tags.get(FEAST_VIEWS, "").split(",")
        if not last.endswith("..."):  # Feast cuts long tags
            names.append(last)
        views = [reference("view", name.partition("@")[0]) for name in names if name]
        return [*dict.fromkeys([*self.datasets, *views])]

    @property
    def notebook(self) -> str | None:
        """The notebook that made it: our tag, else MLflow's source if that is a notebook."""
        if NOTEBOOK in self.tags:
            return self.tags[NOTEBOOK]
        name = (
            self.tags.get("mlflow.source.name", "")
            if self.tags.get("mlflow.source.type") == "NOTEBOOK"
            else ""
        )
        return name if name and not name.endswith(LAUNCHER) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the files of a version show; see `Version`."""

    signature: bool = False
    unservable: str = ""
    fault: str = ""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRuns:
    """Part of a list of runs. total: of the whole list; with `more`, of what was read so far,
    because a server does not count. cursor: of the next part.
    """

    runs: Sequence[RunFacts]
    total: int
    cursor: str | None = None
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFacts:
    """One model version. location: folder or URI of its files, empty if it must be requested.
    created: milliseconds since 1970.
    """

    model: str
    version: int
    run: str | None
    created: int
    source: str
    location: str
    aliases: Sequence[str]
    tags: Mapping[str, str]
    description: str = ""

    def record(self, run: RunFacts | None, examined: Examined) -> Version:
        """The record that interfaces show. run: the run it came from, if that still exists."""
        return Version(
            ref=reference("version", self.model, str(self.version)),
            model=self.model,
            version=self.version,
            aliases=tuple(sorted(self.aliases)),
            run=self.run,
            metrics=run.metrics if run else {},
            created_at=datetime.fromtimestamp(self.created / 1000, UTC),
            signature=examined.signature,
            unservable=examined.unservable,
            fault=examined.fault,
            notebook=run.notebook if run else None,
            datasets=run.read if run else (),
            run_name=run.name if run else "",
            size_bytes=examined.size_bytes,
        )


def moment(milliseconds: int | None) -> datetime | None:
    """A time in UTC."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def value_of(stored: float, is_nan: bool) -> float:
    """A metric as it was logged: MLflow's SQL store writes NaN as 0 with a flag, and infinity as
    the largest float.
    """
    if is_nan:
        return float("nan")
    return float("inf") * (1 if stored > 0 else -1) if abs(stored) >= _INFINITE else float(stored)


def dataset_ref(source_type: str, source: str, name: str, digest: str) -> str:
    """The reference of a dataset that a run used: ours as `track` wrote it, others as
    `name@digest`.
    """
    return str(json.loads(source)["ref"]) if source_type == DATASET_SOURCE else f"{name}@{digest}"
