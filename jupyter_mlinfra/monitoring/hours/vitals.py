"""What the processes of a version used in a window, from the minutes that the keeper has noted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .points import Point

if TYPE_CHECKING:
    from ...deployments import Vitals

MIB = 1 << 20
METRICS = ("memory_mib", "cpu_cores", "in_flight", "retries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """By the processes of one version together. minutes: that were seen. memory_mib: at most;
    newest_mib: in the newest minute. cpu_cores: the mean; busiest_cores: of the busiest minute.
    in_flight: requests at once, at most. retries: of requests that went to another process.
    """

    minutes: int
    memory_mib: float
    newest_mib: float
    cpu_cores: float
    busiest_cores: float
    in_flight: int
    retries: int


def used_by_version(minutes: Iterable[Vitals]) -> dict[str, Used]:
    """What each version used, by its name. minutes: in order of time."""
    found: dict[str, list[Vitals]] = {}
    for minute in minutes:
        found.setdefault(minute.version, []).append(minute)
    return {version: _used(found[version]) for version in sorted(found)}


def _used(minutes: Sequence[Vitals]) -> Used:
    seconds: dict[int, float] = {}
    for minute in minutes:  # one in which a version was down and up has two lines
        seconds[minute.at] = seconds.get(minute.at, 0.0) + minute.cpu_seconds
    cores = [value / 60 for value in seconds.values()]
    return Used(
        minutes=len(seconds),
        memory_mib=max(minute.memory_bytes for minute in minutes) / MIB,
        newest_mib=minutes[-1].memory_bytes / MIB,
        cpu_cores=math.fsum(cores) / len(cores),
        busiest_cores=max(cores),
        in_flight=max(minute.in_flight for minute in minutes),
        retries=sum(minute.retried for minute in minutes),
    )


def points_of_processes(used: Mapping[str, Used], *, start: float, end: float) -> list[Point]:
    """The points of `METRICS` of each version; their rows are the minutes that were seen."""
    return [
        Point(
            metric=metric,
            labels={"version": version},
            start=start,
            end=end,
            value=float(getattr(item, metric)),
            rows=item.minutes,
        )
        for version, item in used.items()
        for metric in METRICS
    ]
