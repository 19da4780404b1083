"""What is known of experiments, runs, models and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment in a list. runs: how many are active."""

    ref: str
    id: str
    name: str
    runs: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. metrics: last value of each. status: running, finished, failed, killed, scheduled.

    notebook, job, step: where it came from. datasets: references with snapshot.
    """

    ref: str
    id: str
    name: str
    experiment: str
    status: str
    user: str
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    notebook: str | None
    job: str | None
    datasets: Sequence[str]
    versions: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line of a comparison: `values[i]` is that of run i; None where a run has none. kind: param, metric, tag, dataset."""

    kind: str
    key: str
    values: Sequence[str | float | None]
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A metric over steps, at most `points` long; min and max of each bucket are kept, so no spike is lost.

    total: points that were logged.
    """

    run: str
    metric: str
    step: Sequence[int]
    low: Sequence[float]
    mean: Sequence[float]
    high: Sequence[float]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two or more runs side by side."""

    runs: Sequence[Run]
    rows: Sequence[Difference]
    curves: Sequence[Curve]
    code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One model version. metrics: of its run. gates: tests before traffic, passed and all; None when not run."""

    ref: str
    model: str
    version: int
    aliases: Sequence[str]
    run: str | None
    metrics: Mapping[str, float]
    created_at: datetime
    signature: bool
    notebook: str | None
    datasets: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One registered model. aliases: alias to version number."""

    ref: str
    name: str
    versions: int
    aliases: Mapping[str, int]
    updated_at: datetime | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDetail:
    """A model's page; versions newest first."""

    model: Model
    versions: Sequence[Version]
    code: Mapping[str, str]
