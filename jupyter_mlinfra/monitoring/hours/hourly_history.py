"""The recorded past of a monitor as points, from its hourly series: the sketches of the hours of a
window are put together, and what only the series have is taken as the evaluation takes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..measured_points import COVERAGE, is_only_hourly
from .hourly import points_of
from .recording import REQUESTS
from .series import HOUR, SeriesStore, points_between, readable, sketches_of
from .sketches import Gathered

if TYPE_CHECKING:
    from .points import Point
    from .recording import Plan
    from .sketches import Sketch


def sketched_points(
    store: SeriesStore,
    monitor: str,
    plan: Plan,
    versions: Iterable[str],
    ends: Iterable[datetime],
    *,
    window: timedelta,
) -> Iterator[Point]:
    """Points of the windows that end then, as the payload log would give them, as far as their
    hours are recorded. A window goes back from the last whole hour. The first version with rows
    stands for all in requests, errors and latency.
    """
    hours = store.recorded(monitor)
    names = list(versions)
    for end in ends:
        last = math.floor(end.timestamp() / HOUR) * HOUR
        first = last - int(window.total_seconds())
        wanted = [hour for hour in sorted(hours) if first <= hour < last]
        files = readable([store.path(monitor, "sketches", hour) for hour in wanted])
        if not files:
            continue
        found: dict[str, dict[str, Sketch]] = {}
        service = Gathered[str]()
        for version in names:
            gathered = Gathered[str]()
            for file in files:
                for (_, column), item in sketches_of(file, version=version, segment=""):
                    (service if column == REQUESTS else gathered).add(column, item)
            if sketches := dict(gathered.all()):
                found[version] = sketches
        span = (end - window).timestamp(), end.timestamp()
        if requests := service.all():
            version = max(found, key=lambda item: _rows(found[item]), default="")
            yield from _of({(version, "", REQUESTS): requests[REQUESTS]}, plan, span)
        for version, sketches in found.items():
            keys = {(version, "", column): item for column, item in sketches.items()}
            for point in _of(keys, plan, span):
                if not point.metric.startswith("performance_"):
                    yield point


def only_hourly_points(
    store: SeriesStore, monitor: str, since: datetime, until: datetime, *, window: timedelta
) -> Iterator[Point]:
    """What only the series have of these hours, each once: performance, KPI, labels, segments.
    Labels come late: their coverage is judged a window later.
    """
    for point in points_between(store, monitor, since.timestamp(), until.timestamp()):
        if is_only_hourly(point):
            late = window.total_seconds() if point.metric == COVERAGE else 0.0
            yield replace(point, end=point.end + late)


def _of(
    sketches: dict[tuple[str, str, str], Sketch], plan: Plan, span: tuple[float, float]
) -> list[Point]:
    return points_of(sketches, plan, start=span[0], end=span[1])


def _rows(sketches: dict[str, Sketch]) -> int:
    return max(item.rows for item in sketches.values())
