"""The recorded past of a monitor as points: from the payload log the windows that were evaluated,
measured again; from the hourly series what is older than the log, and what only they have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from .hours.points import Point
from .measured_points import OF_DRIFT, points_of
from .measuring import measure, unmeasured
from .references import profiles as references
from .settings import MonitoringSettings
from .spec import Monitor

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from ..deployments import Deployments

_OF_THE_VERSION = OF_DRIFT


def recorded_points(
    project: Project,
    deployments: Deployments,
    monitor: Monitor,
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
    window: timedelta,
    left_out: Collection[datetime] = (),
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Iterator[Point]:
    """Points of each window that ended in (since, until], one window per `step`. Drift is that of
    each version that has a reference; requests, errors and latency are those of all versions.

    left_out: ends of windows that are not in the log any more.
    """
    import polars as pl

    first = min((end for end in ends_of(since, until, step) if end not in left_out), default=until)
    rows = deployments.payloads(monitor.deployment, since=first - window).sort("ts")
    models = {
        item.version: f"{item.model}/{item.version.removeprefix('v')}"
        for item in deployments.show(monitor.deployment).deployment.versions
    }
    known: dict[str, references.Reference] = {}
    for version, name in models.items():
        try:
            known[version] = references.load(project, name)
        except MLInfraError:
            continue
    for end in ends_of(since, until, step):
        on_progress((end - since) / (until - since))
        if end in left_out:
            continue
        seen = rows.filter(pl.col("ts").is_between(end - window, end, closed="right"))
        yield from points_then(project, monitor, seen, known, end, window)


def ends_of(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """The ends of the windows, one per step."""
    return [since + step * number for number in range(1, (until - since) // step + 1)]


def points_then(
    project: Project,
    monitor: Monitor,
    rows: pl.DataFrame,
    known: Mapping[str, references.Reference],
    end: datetime,
    window: timedelta,
) -> Iterator[Point]:
    """The points of a window that ended then. known: the versions whose drift is measured; requests
    and errors are those of all.
    """
    settings = project.settings.of(MonitoringSettings)
    counts = dict(rows.group_by("version").len().iter_rows())
    versions = sorted((item for item in counts if item in known), key=lambda item: -counts[item])
    if not versions:
        empty = references.Reference(version="", made_at="", rows=0, columns=(), score=None)
        status = (
            measure(monitor, rows, empty, version="", settings=settings)
            if rows.height
            else unmeasured(monitor, "")
        )
        yield from points_of(status, end, window=window, version="")
        return
    for place, version in enumerate(versions):
        status = measure(monitor, rows, known[version], version=version, settings=settings)
        for point in points_of(status, end, window=window, version=version):
            if place == 0 or point.metric in _OF_THE_VERSION:
                yield point
