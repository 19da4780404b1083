"""The queue and the running jobs in the form of the plan: the supervisor decides with it, the local
backend predicts with it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence

from ...core.gpus import Gpu, gpu_readings
from ...core.machine import process_name
from ..queue.rows import JobEntry, Waiting
from .slots import Capacity, Holding, Need


def needs_of(waiting: Iterable[Waiting]) -> list[Need]:
    """What waiting jobs ask for, in the given order."""
    return [
        Need(
            job=item.id,
            cpus=item.cpus,
            gpus=item.gpus,
            memory_gib=item.memory_gib,
            gpu_type=item.gpu_type,
            seconds=None if item.minutes is None else item.minutes * 60,
            element=_element(item.part_of, item.place),
        )
        for item in waiting
    ]


def holdings_of(entries: Iterable[JobEntry]) -> list[Holding]:
    """What running jobs hold."""
    return [
        Holding(
            job=entry.job.id,
            cpus=entry.spec.cpus,
            gpu_ids=tuple(entry.job.gpu_ids),
            memory_gib=entry.spec.memory_gib or 0.0,
            share=Need(job="", cpus=0, gpus=entry.spec.gpus).share,
            ends_in=_ends_in(entry),
            element=_element(entry.job.part_of, entry.job.index),
        )
        for entry in entries
    ]


def _element(array: str | None, place: int | None) -> str:
    return "" if array is None else f"{array}/{place}"


def _ends_in(entry: JobEntry) -> float:
    """Seconds until its time limit ends it; the whole limit if its start is not known."""
    if entry.spec.time_limit_minutes is None:
        return math.inf
    started_at = entry.job.started_at
    ran = 0.0 if started_at is None else max(0.0, time.time() - started_at.timestamp())
    return max(0.0, entry.spec.time_limit_minutes * 60 - ran)


def capacity_of(
    gpus: Sequence[Gpu], holdings: Sequence[Holding], *, cpus: int, memory_gib: float, look: bool
) -> Capacity:
    """What the machine has; with `look` also which GPUs are used by something outside the queue: a
    notebook kernel, another project's job.
    """
    held = {gpu for holding in holdings for gpu in holding.gpu_ids}
    readings = gpu_readings() if look else {}
    busy = {
        gpu: process_name(reading.pids[0])
        for gpu, reading in readings.items()
        if reading.pids and gpu not in held
    }
    return Capacity(
        cpus=cpus,
        gpus={gpu.id: gpu.number for gpu in gpus},
        types={gpu.id: gpu.name for gpu in gpus},
        memory_gib=memory_gib,
        busy=busy,
    )
