"""What a window of logged requests shows: latency, errors, and drift against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.records import Number
from .hours.recording import input_of
from .measures.answers import output_columns, predicted_classes
from .measures.drift import compare
from .references import profiles as references
from .settings import MonitoringSettings
from .snippets import monitor_code
from .spec import FeatureDrift, Monitor, MonitorStatus

if TYPE_CHECKING:
    import polars as pl

FEATURES = 500
"""A status carries the drift of at most this many features."""


def measure(
    monitor: Monitor,
    rows: pl.DataFrame,
    reference: references.Reference,
    *,
    version: str,
    settings: MonitoringSettings,
) -> MonitorStatus:
    """What `rows` of the payload log show: all of them for requests and latency, those of `version`
    for drift against `reference`.
    """
    import polars as pl

    answered = rows.filter(pl.col("status") < 400)
    # Another version has another signature, and another reference.
    version_rows = answered.filter(pl.col("version") == version)
    limit = _limit(version_rows, settings)
    drift, score = _compare(reference, version_rows, limit)
    # Not one per request id: a caller may give all its requests the same.
    requests = rows.filter(pl.col("row") == 0)
    answered_by_version = answered.group_by("version").len().sort("version")
    return replace(
        unmeasured(monitor, ""),
        monitor=replace(
            monitor,
            requests=Number(value=requests.height),
            rows=Number(value=answered.height),
            last_request_at=_last(rows),
        ),
        window_start=_first(rows),
        window_end=_last(rows),
        versions={name: int(count) for name, count in answered_by_version.iter_rows()},
        p50_ms=_quantile(requests, 0.5),
        p95_ms=_quantile(requests, 0.95),
        error_fraction=_fraction(requests, pl.col("status") >= 500),
        refused_fraction=_fraction(requests, pl.col("status").is_between(400, 499)),
        score=score,
        outputs=_outputs(reference, version_rows, limit),
        predicted=_predicted(reference, version_rows, limit),
        drift=sorted(drift, key=lambda item: -float(item.psi.value or 0)),
        features=len(drift),
    )


def unmeasured(monitor: Monitor, why: str) -> MonitorStatus:
    """A status with nothing but the reason: old figures would pass for those of this window."""
    return MonitorStatus(
        monitor=replace(
            monitor,
            requests=Number(value=None),
            rows=Number(value=None),
            last_request_at=None,
        ),
        window_start=None,
        window_end=None,
        reference="",
        versions={},
        p50_ms=None,
        p95_ms=None,
        error_fraction=None,
        refused_fraction=None,
        dropped=0,
        score=None,
        drift=(),
        features=0,
        trouble=why,
        alerts=(),
        code=monitor_code(monitor.name),
    )


def _limit(rows: pl.DataFrame, settings: MonitoringSettings) -> float:
    """Too few rows cannot show drift: the figures are shown, without a verdict."""
    return settings.psi_alert if rows.height >= settings.min_rows else float("inf")


def _compare(
    reference: references.Reference, rows: pl.DataFrame, limit: float
) -> tuple[Sequence[FeatureDrift], FeatureDrift | None]:
    """Drift of each input and of the answers."""
    if not rows.height:
        return [], None
    drift = [
        compare(column, input_of(rows, column), threshold=limit) for column in reference.columns
    ]
    score = (
        compare(reference.score, rows[references.SCORE], threshold=limit)
        if reference.score
        else None
    )
    return drift, score


def _outputs(
    reference: references.Reference, rows: pl.DataFrame, limit: float
) -> Sequence[FeatureDrift]:
    """Drift of each of several answers."""
    return [
        compare(column, rows[column.source], threshold=limit)
        for column in reference.outputs
        if rows.height and column.source in rows.columns
    ]


def _predicted(
    reference: references.Reference, rows: pl.DataFrame, limit: float
) -> FeatureDrift | None:
    """Drift of the class with the largest probability."""
    if reference.predicted is None or len(output_columns(rows)) != len(reference.outputs):
        return None
    classes = predicted_classes(rows, [column.name for column in reference.outputs])
    return compare(reference.predicted, classes, threshold=limit)


def _fraction(requests: pl.DataFrame, condition: pl.Expr) -> Number | None:
    return (
        Number(value=requests.filter(condition).height / requests.height, n=requests.height)
        if requests.height
        else None
    )


def _first(rows: pl.DataFrame) -> datetime | None:
    return rows["ts"].min() if rows.height else None  # type: ignore[return-value]


def _last(rows: pl.DataFrame) -> datetime | None:
    return rows["ts"].max() if rows.height else None  # type: ignore[return-value]


def _quantile(requests: pl.DataFrame, share: float) -> Number | None:
    value = requests["latency_ms"].drop_nulls().quantile(share) if requests.height else None
    return None if value is None else Number(value=float(value), n=requests.height)
