"""The records of experiments, runs, models and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.records import Real

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment in a list. runs: how many are active, None on a server, which does not count.
    updated_at: on a server, of the experiment alone.
    """

    ref: str
    id: str
    name: str
    runs: int | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. metrics: last value of each. status: running, finished, failed, killed, scheduled.

    notebook, job, step: where it came from. datasets: references with snapshot (`name@digest` for
    those logged by MLflow alone). tags: without those that have a field here.
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
    metrics: Mapping[str, Real]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    notebook: str | None
    job: str | None
    datasets: Sequence[str]
    versions: Sequence[str]
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line of a comparison: `values[i]` is that of run i; None where a run has none. kind:
    param, metric, tag, dataset; of versions also code, input, output, environment.
    """

    kind: str
    key: str
    values: Sequence[str | Real | None]
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A metric over steps, at most `points` long; min and max of each bucket are kept, so that no
    spike is lost.

    total: points that were logged.
    """

    run: str
    metric: str
    step: Sequence[int]
    low: Sequence[Real]
    mean: Sequence[Real]
    high: Sequence[Real]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two or more runs side by side; rows that differ come first.

    curve_metrics: every metric that has a curve; `curves` holds those of the first few (see
    `service.CURVES`).
    """

    runs: Sequence[Run]
    rows: Sequence[Difference]
    curves: Sequence[Curve]
    code: Mapping[str, str]
    curve_metrics: Sequence[str] = ()

    def frame(self, metric: str) -> pl.DataFrame:
        """The curves of a metric, one row per run and bucket: run (its name and the first
        characters of its id), step, low, mean, high.
        """
        import polars as pl

        names = {run.id: f"{run.name} {run.id[:8]}" for run in self.runs}
        schema = {
            "run": pl.String,
            "step": pl.Int64,
            "low": pl.Float64,
            "mean": pl.Float64,
            "high": pl.Float64,
        }
        parts = [
            pl.DataFrame(
                {
                    "run": [names[curve.run]] * len(curve.step),
                    "step": curve.step,
                    "low": curve.low,
                    "mean": curve.mean,
                    "high": curve.high,
                },
                schema=schema,
            )
            for curve in self.curves
            if curve.metric == metric
        ]
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One model version. metrics, datasets, notebook, run_name: of its run. signature: whether it
    states its input columns and types.

    unservable: why it cannot be deployed, as far as is known. fault: why its files cannot be read,
    usually empty. size_bytes: of its files when it was logged; None if that was not noted.
    """

    ref: str
    model: str
    version: int
    aliases: Sequence[str]
    run: str | None
    metrics: Mapping[str, Real]
    created_at: datetime
    signature: bool
    notebook: str | None
    datasets: Sequence[str]
    unservable: str = ""
    fault: str = ""
    run_name: str = ""
    size_bytes: int | None = None


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
    """A model's page; versions newest first, at most 200 (`model.versions` counts all)."""

    model: Model
    versions: Sequence[Version]
    code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was imported from another store. runs: their ids here. already: runs imported earlier.
    running: those that have not ended, and were skipped.
    """

    store: str
    runs: Sequence[str]
    models: int
    already: int
    running: int
