"""Why a job waits, in words: what is short, how much of it is free, and which jobs hold the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from .slots import WHOLE, Capacity, Holding, Need, room_of

_NAMED = 3
"""How many holders a reason names; the rest is a count."""


def why(need: Need, running: Sequence[Holding], capacity: Capacity) -> str:
    """What is short for a job beside the running ones; empty if nothing is."""
    free = room_of(running, capacity)
    usable = capacity.of_type(need.gpu_type)
    free_gpus = sum(free.gpus[gpu] >= need.share for gpu in usable)
    parts = []
    if need.devices > free_gpus:
        unit = f"{need.gpu_type} GPU" if need.gpu_type else "GPU"
        amount = f"{need.gpus:g}" if need.share < WHOLE else str(need.devices)
        parts.append(
            _shortage(
                amount,
                need.devices,
                unit,
                free_gpus,
                len(usable),
                _gpu_holders(usable, running, capacity),
            )
        )
    if need.cpus > free.cpus:
        holders = _holders([holding.shown_id for holding in running if holding.cpus])
        parts.append(_shortage(str(need.cpus), need.cpus, "CPU", free.cpus, capacity.cpus, holders))
    if need.memory_gib > capacity.memory_gib:
        parts.append(
            f"Needs {need.memory_gib:g} GiB of memory, this machine has {capacity.memory_gib:.3g}:"
            " it cannot start here."
        )
    elif need.memory_gib > free.memory_gib:
        holders = _holders([holding.shown_id for holding in running if holding.memory_gib])
        parts.append(
            f"Needs {need.memory_gib:g} GiB of memory, {free.memory_gib:.3g} of"
            f" {capacity.memory_gib:.3g} are free{holders}."
        )
    return " ".join(parts)


def behind(need: Need, running: Sequence[Holding], capacity: Capacity, first: str) -> str:
    """The same for a job that waits behind another one."""
    short = why(need, running, capacity)
    return (
        f"{short} Job {first} is before it."
        if short
        else f"Waits behind job {first}, which is before it in the queue."
    )


def _shortage(amount: str, needed: int, unit: str, free: int, total: int, holders: str) -> str:
    units = unit if needed == 1 else f"{unit}s"
    if needed > total:
        return f"Needs {amount} {units}, this machine has {total}: it cannot start here."
    return f"Needs {amount} {units}, {free or 'none'} {'is' if free <= 1 else 'are'} free{holders}."


def _gpu_holders(usable: Sequence[str], running: Sequence[Holding], capacity: Capacity) -> str:
    holders = {
        gpu: [holding.shown_id for holding in running if gpu in holding.gpu_ids] for gpu in usable
    }
    texts = [
        f"GPU {capacity.gpus[gpu]} is held by"
        f" {f'job {", ".join(jobs)}' if jobs else capacity.busy[gpu]}"
        for gpu, jobs in holders.items()
        if jobs or gpu in capacity.busy
    ]
    return f"; {_first_few(texts)}" if texts else ""


def _holders(jobs: Sequence[str]) -> str:
    if not jobs:
        return ""
    return f"; held by job{'s' if len(jobs) > 1 else ''} {_first_few(jobs)}"


def _first_few(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_NAMED])
    return shown if len(texts) <= _NAMED else f"{shown} and {len(texts) - _NAMED} more"
