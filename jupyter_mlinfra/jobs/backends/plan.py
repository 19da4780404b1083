"""Which waiting jobs start now, and why the others wait. No I/O: the same queue gives the same answer.

Order is priority, then age. A job that does not fit sets aside what it needs: a later job starts only on what the earlier
ones would leave over, so a large job is never starved by small ones, and a CPU job need not wait behind a GPU job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_NAMED = 3
"""Holders named in a reason; the rest is a count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a job asks for."""

    job: str
    cpus: int
    gpus: int
    memory_gib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a job that runs holds."""

    job: str
    cpus: int
    gpu_ids: tuple[str, ...]
    memory_gib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the machine has. gpus: number by id. busy: GPUs that a process outside the queue computes on, and who that is."""

    cpus: int
    gpus: Mapping[str, int]
    memory_gib: float
    busy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """starts: job and the GPUs it gets, in order. reasons: why each other job waits."""

    starts: tuple[tuple[str, tuple[str, ...]], ...]
    reasons: Mapping[str, str]


def plan(waiting: Sequence[Need], holdings: Sequence[Holding], capacity: Capacity) -> Plan:
    """Decide over the waiting jobs, given in the order of the queue."""
    held = {gpu: holding.job for holding in holdings for gpu in holding.gpu_ids}
    gpus = [gpu for gpu in capacity.gpus if gpu not in held and gpu not in capacity.busy]
    # Less than nothing is left where jobs run on from a time of more slots.
    cpus = max(0, capacity.cpus - sum(holding.cpus for holding in holdings))
    memory = max(0.0, capacity.memory_gib - sum(holding.memory_gib for holding in holdings))
    starts, reasons, first = list[tuple[str, tuple[str, ...]]](), dict[str, str](), None
    running = list(holdings)
    for need in waiting:
        if need.cpus > capacity.cpus or need.gpus > len(capacity.gpus) or need.memory_gib > capacity.memory_gib:
            reasons[need.job] = _why(need, running, capacity)  # it can never start here: nothing is set aside for it
            continue
        if need.cpus <= cpus and need.gpus <= len(gpus) and need.memory_gib <= memory:
            given = tuple(gpus[: need.gpus])
            starts.append((need.job, given))
            running.append(Holding(job=need.job, cpus=need.cpus, gpu_ids=given, memory_gib=need.memory_gib))
        elif first is None:
            reasons[need.job] = _why(need, running, capacity)
            first = need.job
        else:
            reasons[need.job] = _behind(need, running, capacity, first)
        # Started or not, what it needs is gone for those behind it.
        gpus = gpus[need.gpus :]
        cpus, memory = max(0, cpus - need.cpus), max(0.0, memory - need.memory_gib)
    return Plan(tuple(starts), reasons)


def _why(need: Need, running: Sequence[Holding], capacity: Capacity) -> str:
    """What is short, how much of it is free, and who holds the rest."""
    held = {gpu: holding.job for holding in running for gpu in holding.gpu_ids}
    free_gpus = sum(gpu not in held and gpu not in capacity.busy for gpu in capacity.gpus)
    free_cpus = capacity.cpus - sum(holding.cpus for holding in running)
    free_memory = capacity.memory_gib - sum(holding.memory_gib for holding in running)
    parts = []
    if need.gpus > free_gpus:
        parts.append(_shortage(need.gpus, "GPU", free_gpus, len(capacity.gpus), _gpu_holders(held, capacity)))
    if need.cpus > free_cpus:
        parts.append(_shortage(need.cpus, "CPU", free_cpus, capacity.cpus, _holders([holding.job for holding in running if holding.cpus])))
    if need.memory_gib > free_memory:
        holders = _holders([holding.job for holding in running if holding.memory_gib])
        if need.memory_gib > capacity.memory_gib:
            parts.append(f"Needs {need.memory_gib:g} GiB of memory, this machine has {capacity.memory_gib:.3g}: it cannot start here.")
        else:
            parts.append(f"Needs {need.memory_gib:g} GiB of memory, {max(0.0, free_memory):.3g} of {capacity.memory_gib:.3g} are free{holders}.")
    return " ".join(parts)


def _behind(need: Need, running: Sequence[Holding], capacity: Capacity, first: str) -> str:
    short = _why(need, running, capacity)
    return f"{short} Job {first} is before it." if short else f"Waits behind job {first}, which is before it in the queue."


def _shortage(needed: int, unit: str, free: int, total: int, holders: str) -> str:
    units = unit if needed == 1 else f"{unit}s"
    if needed > total:
        return f"Needs {needed} {units}, this machine has {total}: it cannot start here."
    free = max(0, free)
    return f"Needs {needed} {units}, {free or 'none'} {'is' if free <= 1 else 'are'} free{holders}."


def _gpu_holders(held: Mapping[str, str], capacity: Capacity) -> str:
    texts = [
        f"GPU {number} is held by {f'job {held[gpu]}' if gpu in held else capacity.busy[gpu]}"
        for gpu, number in capacity.gpus.items()
        if gpu in held or gpu in capacity.busy
    ]
    return f"; {_some(texts)}" if texts else ""


def _holders(jobs: Sequence[str]) -> str:
    if not jobs:
        return ""
    return f"; held by job{'s' if len(jobs) > 1 else ''} {_some(jobs)}"


def _some(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_NAMED])
    return shown if len(texts) <= _NAMED else f"{shown} and {len(texts) - _NAMED} more"
