"""What the rules of a monitor judge: the figures of its status, and the newest ones of its hourly
series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ..core.records import Number
from .hours.points import Point
from .hours.series import SeriesStore, newest
from .spec import FeatureDrift, MonitorStatus

_DISTANCES = ("psi", "ks", "wasserstein", "js", "hellinger", "chi2")
OF_DRIFT = frozenset({*_DISTANCES, "missing", "score_psi", "output_psi", "class_psi"})
"""Metrics that compare the rows of one version."""


def points_of(
    status: MonitorStatus, at: datetime, *, window: timedelta, version: str
) -> Iterator[Point]:
    """Points of the window that ends at `at`. version: as `v3`, whose rows were compared; empty if
    that is not known.
    """

    def point(metric: str, number: Number | None, **labels: str) -> Point:
        value = number.value if number else None
        return Point(
            metric=metric,
            labels={"version": version, **labels},
            start=(at - window).timestamp(),
            end=at.timestamp(),
            value=None if value is None else float(value),
            rows=(number.n or 0) if number else 0,
        )

    requests = status.monitor.requests
    count = requests.value
    yield point("requests", Number(value=count, n=int(count or 0)))
    yield point("error_fraction", status.error_fraction)
    yield point("refused_fraction", status.refused_fraction)
    yield point("p95_ms", status.p95_ms)
    if not status.drift:
        yield point("psi", None)
    for drift in status.drift:
        yield from (point(*item, feature=drift.feature) for item in _figures(drift))
    if status.score is not None:
        yield point("score_psi", status.score.psi)
    for output in status.outputs:
        yield point("output_psi", output.psi, feature=output.feature)
    if status.predicted is not None:
        yield point("class_psi", status.predicted.psi)


def hourly_points(
    store: SeriesStore, monitor: str, at: datetime, *, window: timedelta
) -> Iterator[Point]:
    """Figures that only the hourly series has, of the newest hour that has each: performance, KPI,
    unseen and out-of-range values, and everything about segments. What an alert has seen it does
    not count again. Labels come late: their coverage is that of the hour before the window.
    """
    start, end = (at - window).timestamp(), at.timestamp()
    for point in newest(store, monitor, since=start, until=end):
        if is_only_hourly(point) and point.metric != COVERAGE:
            yield point
    before = newest(store, monitor, since=start - window.total_seconds(), until=start)
    yield from (replace(point, end=end) for point in before if point.metric == COVERAGE)


def is_only_hourly(point: Point) -> bool:
    """Whether the status has no such figure."""
    return point.metric not in _OF_STATUS or bool(point.labels.get("segment"))


COVERAGE = "label_coverage"
_OF_STATUS = OF_DRIFT | {"requests", "error_fraction", "refused_fraction", "p95_ms"}


def _figures(drift: FeatureDrift) -> Iterator[tuple[str, Number | None]]:
    for name in _DISTANCES:
        found: Number | None = getattr(drift, name)
        if found is not None:
            yield name, found if found.n is not None else Number(value=found.value, n=drift.psi.n)
    yield "missing", Number(value=drift.missing_window.value, n=drift.psi.n)
