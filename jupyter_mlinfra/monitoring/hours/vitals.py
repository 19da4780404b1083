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
_NOT_LOOKED_AT = "Nobody has looked at the GPUs of its processes."
METRICS = ("memory_mib", "cpu_cores", "in_flight", "retries", "gpu_memory_mib", "gpu_load")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """By the processes of one version together. minutes: that were seen. memory_mib: at most;
    newest_mib: in the newest minute. cpu_cores: the mean; busiest_cores: of the busiest minute.
    in_flight: requests at once, at most. retries: of requests that went to another process.
    gpu_memory_mib: of GPUs, at most; newest_gpu_mib: in the newest minute that has it. gpu_load:
    the mean; busiest_gpu: of the busiest minute. gpu_why: why those that are None are not known.
    """

    minutes: int
    memory_mib: float
    newest_mib: float
    cpu_cores: float
    busiest_cores: float
    in_flight: int
    retries: int
    gpu_memory_mib: float | None = None
    newest_gpu_mib: float | None = None
    gpu_load: float | None = None
    busiest_gpu: float | None = None
    gpu_why: str = ""


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
    sizes = [minute.gpu_bytes / MIB for minute in minutes if minute.gpu_bytes is not None]
    loads = [minute.gpu_load for minute in minutes if minute.gpu_load is not None]
    return Used(
        minutes=len(seconds),
        memory_mib=max(minute.memory_bytes for minute in minutes) / MIB,
        newest_mib=minutes[-1].memory_bytes / MIB,
        cpu_cores=math.fsum(cores) / len(cores),
        busiest_cores=max(cores),
        in_flight=max(minute.in_flight for minute in minutes),
        retries=sum(minute.retried for minute in minutes),
        gpu_memory_mib=max(sizes, default=None),
        newest_gpu_mib=sizes[-1] if sizes else None,
        gpu_load=math.fsum(loads) / len(loads) if loads else None,
        busiest_gpu=max(loads, default=None),
        gpu_why="" if sizes and loads else minutes[-1].gpu_why or _NOT_LOOKED_AT,
    )


def points_of_processes(used: Mapping[str, Used], *, start: float, end: float) -> list[Point]:
    """The points of `METRICS` of each version; their rows are the minutes that were seen. What was
    not measured, as of GPUs, has none.
    """
    return [
        Point(
            metric=metric,
            labels={"version": version},
            start=start,
            end=end,
            value=float(value),
            rows=item.minutes,
        )
        for version, item in used.items()
        for metric in METRICS
        if (value := getattr(item, metric)) is not None
    ]
