"""A window with more rows than should be held in memory: it is measured by its sketches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..core.records import Number
from .hours.hourly import OUTPUT, compare_sketch
from .hours.recording import CLASS, REQUESTS, SCORE, Log
from .hours.sketches import Sketch, merge
from .measuring import unmeasured

if TYPE_CHECKING:
    import polars as pl

    from .hours.windows import Overview
    from .references.profiles import Reference
    from .settings import MonitoringSettings
    from .spec import FeatureDrift, Monitor, MonitorStatus

MOST_ROWS = 1_000_000
MOST_VALUES = 50_000_000
"""A window of at most so many rows, and values in them, is measured by all of these."""


def held_rows(log: Log, deployment: str, start: float, end: float) -> pl.DataFrame | None:
    """The rows of the log from `start` until before `end`; None if there are more than
    `MOST_ROWS`, or `MOST_VALUES` in the columns of all.
    """
    import polars as pl

    frames, rows, columns = list[pl.DataFrame](), 0, set[str]()
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (start, end))
    for part in log.payload_parts(deployment, since=since, until=until):
        frames.append(part.rows)
        rows += part.rows.height
        columns.update(part.rows.columns)
        if rows > MOST_ROWS or rows * len(columns) > MOST_VALUES:
            return None
    nothing = pl.DataFrame(
        schema={
            "row": pl.Int32,
            "ts": pl.Datetime("us", "UTC"),
            "version": pl.String,
            "status": pl.Int16,
            "latency_ms": pl.Float64,
        }
    )
    return pl.concat(frames, how="diagonal_relaxed") if frames else nothing


def measure_sketches(
    monitor: Monitor,
    found: Overview,
    reference: Reference,
    *,
    version: str,
    settings: MonitoringSettings,
) -> MonitorStatus:
    """What `measure` says of rows, from their sketches. Counts, and what is computed from them, are
    exact; latencies, Kolmogorov–Smirnov and Wasserstein are within the error of the sketches.
    """
    answered = {
        name: item.rows for (name, column), item in found.sketches.items() if column == SCORE
    }
    service = merge([item for (_, column), item in found.sketches.items() if column == REQUESTS])
    requests = sum(service.counts)
    _, refused, failed = service.counts
    limit = settings.psi_alert if answered.get(version, 0) >= settings.min_rows else float("inf")
    drift, score = _drift(found, reference, version, limit)
    return replace(
        unmeasured(monitor, ""),
        monitor=replace(
            monitor,
            requests=Number(value=requests),
            rows=Number(value=sum(answered.values())),
            last_request_at=found.last,
        ),
        window_start=found.first,
        window_end=found.last,
        versions=dict(sorted(answered.items())),
        p50_ms=_latency(service, 0.5),
        p95_ms=_latency(service, 0.95),
        error_fraction=Number(value=failed / requests, n=requests),
        refused_fraction=Number(value=refused / requests, n=requests),
        score=score,
        outputs=[
            compare_sketch(column, answers, threshold=limit)
            for column in reference.outputs
            if (answers := found.sketches.get((version, f"{OUTPUT}{column.name}")))
        ],
        predicted=(
            compare_sketch(reference.predicted, classes, threshold=limit)
            if reference.predicted and (classes := found.sketches.get((version, CLASS)))
            else None
        ),
        drift=sorted(drift, key=lambda item: -float(item.psi.value or 0)),
        features=len(drift),
        problems=found.problems,
    )


def _drift(
    found: Overview, reference: Reference, version: str, limit: float
) -> tuple[Sequence[FeatureDrift], FeatureDrift | None]:
    answers = found.sketches.get((version, SCORE))
    if answers is None:
        return [], None
    drift = [
        compare_sketch(column, found.sketches.get((version, column.name)), threshold=limit)
        for column in reference.columns
    ]
    if reference.score is None:
        return drift, None
    return drift, compare_sketch(reference.score, answers, threshold=limit)


def _latency(service: Sketch, share: float) -> Number | None:
    value = service.quantiles.at(share)
    return None if value is None else Number(value=value, basis="approx", n=sum(service.counts))
