"""The recorded past of a monitor as points, from its hourly series: the sketches of the hours of a
window are put together, and what only the series have is taken as the evaluation takes it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
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
    seconds: float = math.inf,
) -> Iterator[Point]:
    """Points of the windows that end then, as the payload log would give them, as far as their
    hours are recorded. A window goes back from the last whole hour. The first version with rows
    stands for all in requests, errors and latency.

    seconds: that this may take, about: windows are left out, evenly, if all would take longer.
    """
    until, read = time.monotonic() + seconds, _Hours(store, monitor, list(versions))
    todo = deque((last, list(same)) for last, same in groupby(ends, key=_whole_hour))
    while todo:
        begun = time.monotonic()
        first = not read.held
        last, same = todo.popleft()
        found = _of_window(read, plan, last - int(window.total_seconds()), last)
        for end in same:
            start = (end - window).timestamp()
            yield from [replace(point, start=start, end=end.timestamp()) for point in found]
        if not first:  # which reads all hours of its window, later ones those that are new
            now = time.monotonic()
            todo = deque(affordable(todo, now - begun, until - now))


def affordable[T](todo: Sequence[T], cost: float, seconds: float) -> Sequence[T]:
    """As many of them, evenly spread, as can be done in some seconds. cost: of one of them."""
    most = max(1, int(min(seconds / max(cost, 1e-6), len(todo))))
    return [*todo][:: max(1, math.ceil(len(todo) / most))]


class _Hours:
    """The sketches of recorded hours, of which each file is read once while windows move on."""

    def __init__(self, store: SeriesStore, monitor: str, versions: Sequence[str]) -> None:
        self._store, self._monitor, self._versions = store, monitor, versions
        self._recorded = sorted(store.recorded(monitor))
        self.held: dict[int, Mapping[str, Sequence[tuple[str, Sketch]]]] = {}

    def between(self, first: int, last: int) -> list[Mapping[str, Sequence[tuple[str, Sketch]]]]:
        """Columns and their sketches, by version, of each hour that begins in [first, last)."""
        wanted = [hour for hour in self._recorded if first <= hour < last]
        self.held = {hour: self.held.get(hour) or self._read(hour) for hour in wanted}
        return [*self.held.values()]

    def _read(self, hour: int) -> Mapping[str, Sequence[tuple[str, Sketch]]]:
        found: dict[str, list[tuple[str, Sketch]]] = {name: [] for name in self._versions}
        for file in readable([self._store.path(self._monitor, "sketches", hour)]):
            for (version, column), item in sketches_of(file, version=None, segment=""):
                if version in found:
                    found[version].append((column, item))
        return found


def _of_window(read: _Hours, plan: Plan, first: int, last: int) -> list[Point]:
    hours = read.between(first, last)
    found: dict[str, dict[str, Sketch]] = {}
    service = Gathered[str]()
    for version in hours[0] if hours else ():
        gathered = Gathered[str]()
        for hour in hours:
            for column, item in hour[version]:
                (service if column == REQUESTS else gathered).add(column, item)
        if sketches := dict(gathered.all()):
            found[version] = sketches
    points: list[Point] = []
    span = float(first), float(last)
    if requests := service.all():
        version = max(found, key=lambda item: _rows(found[item]), default="")
        points += _of({(version, "", REQUESTS): requests[REQUESTS]}, plan, span)
    for version, sketches in found.items():
        keys = {(version, "", column): item for column, item in sketches.items()}
        points += [
            point for point in _of(keys, plan, span) if not point.metric.startswith("performance_")
        ]
    return points


def _whole_hour(end: datetime) -> int:
    return math.floor(end.timestamp() / HOUR) * HOUR


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
