"""The windows that nobody evaluated, because the evaluator was down: measured later, oldest first,
so that alerts move through the states that they would have had.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, floor
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from .history import points_then
from .hours.hourly_history import affordable, sketched_points
from .large_windows import held_rows
from .references import profiles as references

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .hours.points import Point
    from .hours.recording import Log, Plan
    from .hours.series import SeriesStore
    from .spec import Monitor

MOST_WINDOWS = 288
"""So many windows are made up for, a day's of five minutes each; after a longer time they are
farther apart.
"""

MOST_LARGE_WINDOWS = 48
"""The same of a log that is not held in memory, of which each window is read."""


def missed_ends(
    last: datetime | None, at: datetime, step: timedelta, *, most: int = MOST_WINDOWS
) -> list[datetime]:
    """When windows ended that were not evaluated, oldest first. last: of the last evaluation, None
    without one; at: of the present one; step: from one to the next.
    """
    count = floor((at - last) / step - 0.5) if last is not None else 0
    if last is None or count < 1:
        return []
    every = ceil(count / most)
    return [last + step * place for place in range(every, count + 1, every)]


def missed_points(
    project: Project,
    log: Log,
    store: SeriesStore,
    monitor: Monitor,
    plan: Plan,
    models: Mapping[str, str],
    ends: Sequence[datetime],
    *,
    window: timedelta,
    seconds: float,
) -> Iterator[Point]:
    """What was to be judged of the windows that ended then: each is measured by its rows, or by the
    recorded hours if these are too many. models: of each version, as `v3`. seconds: that this may
    take, about: else a slow evaluation would lead to more of them.
    """
    begun, name, large = time.monotonic(), monitor.deployment, list[datetime]()
    everything = held_rows(log, name, (ends[0] - window).timestamp(), ends[-1].timestamp())
    if everything is None:
        ends = ends[:: ceil(len(ends) / MOST_LARGE_WINDOWS)]
    todo, since = deque(ends), ends[0] - window
    while todo:
        end = todo.popleft()
        rows = _within(everything, log, name, end - window, end)
        if rows is None:
            large.append(end)
        else:
            known = _known(project, models, _most_frequent(rows, since))
            yield from points_then(project, monitor, rows, known, end, window)
        if end == ends[0]:
            todo = deque(affordable(todo, time.monotonic() - begun, seconds))
        since = end
    left = seconds - (time.monotonic() - begun)
    yield from sketched_points(
        store, monitor.name, plan, models, large, window=window, seconds=left
    )


def _within(
    everything: pl.DataFrame | None, log: Log, name: str, start: datetime, end: datetime
) -> pl.DataFrame | None:
    import polars as pl

    if everything is None:
        return held_rows(log, name, start.timestamp(), end.timestamp())
    return everything.filter(pl.col("ts").is_between(start, end, closed="left"))


def _most_frequent(rows: pl.DataFrame, since: datetime) -> str:
    """The version that had most of the traffic as the window ended, as far as its rows show."""
    import polars as pl

    newest = rows.filter(pl.col("ts") >= since)
    counts = (newest if newest.height else rows).group_by("version").len().sort("len", "version")
    return str(counts["version"][-1]) if counts.height else ""


def _known(
    project: Project, models: Mapping[str, str], version: str
) -> dict[str, references.Reference]:
    try:
        number = version.removeprefix("v")
        return {version: references.load(project, f"{models[version]}/{number}")}
    except (KeyError, MLInfraError):
        return {}
