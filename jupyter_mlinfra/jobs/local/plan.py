"""Which waiting jobs start now, why the others wait, and when they may start. No I/O: the same
queue gives the same answer.

A job that does not fit reserves what it needs: a later job starts only on what the earlier ones
would leave, so that small jobs never starve a large one, and a CPU job need not wait behind a GPU
job. Reserved slots are lent to a later job whose time limit ends it before any earlier one could
start by the limits of the running jobs (EASY backfill, Lifka 1995, with a reservation for every
earlier job): it delays no other job.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .slots import (
    Capacity,
    FreeCapacity,
    Holding,
    Need,
    can_ever,
    fit,
    hold,
    reservation,
    room_of,
    set_aside,
    take,
)
from .why_waiting import behind, why

__all__ = ["Capacity", "Holding", "Need", "StartPlan", "forecast", "plan"]


@dataclass(frozen=True, slots=True)
class StartPlan:
    """starts: job and the GPUs it gets, in order. reasons: why each other job waits."""

    starts: tuple[tuple[str, tuple[str, ...]], ...]
    reasons: Mapping[str, str]


def plan(
    waiting: Sequence[Need],
    holdings: Sequence[Holding],
    capacity: Capacity,
    *,
    explained: int | None = None,
) -> StartPlan:
    """Decide about the waiting jobs, given in the order of the queue. explained: how many of those
    that keep waiting get a reason, from the first.
    """
    starts, blocked = _decide(waiting, holdings, capacity)
    running = [*holdings, *(hold(need, gpu_ids) for need, gpu_ids in starts)]
    reasons, first = dict[str, str](), None
    for need in blocked[:explained]:
        possible = can_ever(need, capacity)
        reasons[need.job] = (
            why(need, running, capacity)
            if first is None or not possible
            else behind(need, running, capacity, first)
        )
        if first is None and possible:
            first = need.shown_id
    return StartPlan(tuple((need.job, gpu_ids) for need, gpu_ids in starts), reasons)


def forecast(
    waiting: Sequence[Need],
    holdings: Sequence[Holding],
    capacity: Capacity,
    seconds: Mapping[str, float],
) -> dict[str, float]:
    """Seconds from now until each waiting job starts, without jobs for which that is unknown.

    seconds: what each job takes (from now on, if it runs). The queue is simulated: whenever a job
    ends, the supervisor's decision is made.
    """
    ends = {holding.job: seconds.get(holding.job, math.inf) for holding in holdings}
    queue, running, clock, starts = list(waiting), list(holdings), 0.0, dict[str, float]()
    while queue:
        held = [replace(holding, ends_in=max(0.0, holding.ends_in - clock)) for holding in running]
        started, queue = _decide(queue, held, capacity)
        for need, gpu_ids in started:
            starts[need.job] = clock
            ends[need.job] = clock + seconds.get(need.job, math.inf)
            running.append(
                replace(
                    hold(need, gpu_ids),
                    ends_in=clock + (math.inf if need.seconds is None else need.seconds),
                )
            )
        clock = min((ends[holding.job] for holding in running), default=math.inf)
        if clock == math.inf:
            break
        running = [holding for holding in running if ends[holding.job] > clock]
    return starts


def _decide(
    waiting: Sequence[Need], holdings: Sequence[Holding], capacity: Capacity
) -> tuple[list[tuple[Need, tuple[str, ...]]], list[Need]]:
    """What starts, with its GPUs, and what does not."""
    starts, blocked, running = list[tuple[Need, tuple[str, ...]]](), list[Need](), list(holdings)
    free = unreserved = room_of(holdings, capacity)
    lent_for = math.inf  # seconds for which reserved slots may be lent
    for need in waiting:
        gpu_ids = _place(need, unreserved, free, lent_for, capacity)
        if gpu_ids is not None:
            starts.append((need, gpu_ids))
            running.append(hold(need, gpu_ids))
            free, unreserved = take(need, gpu_ids, free), take(need, gpu_ids, unreserved)
            continue
        blocked.append(need)
        if not unreserved.cpus and not lent_for and need.cpus:
            continue  # nothing is left to reserve or to lend for any job that needs a CPU
        if can_ever(need, capacity):  # for a job that can never start here nothing is reserved
            if lent_for > 0:
                latest = reservation(need, running, capacity)
                lent_for = min(lent_for, latest if latest < math.inf else 0.0)
            unreserved = set_aside(need, unreserved, capacity)
    return starts, blocked


def _place(
    need: Need, unreserved: FreeCapacity, free: FreeCapacity, lent_for: float, capacity: Capacity
) -> tuple[str, ...] | None:
    """Place a job on unreserved slots, else on lent ones."""
    gpu_ids = fit(need, unreserved, capacity)
    if gpu_ids is None and need.seconds is not None and need.seconds <= lent_for:
        return fit(need, free, capacity)
    return gpu_ids
