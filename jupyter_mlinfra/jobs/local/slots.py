"""Slots of a machine: what a job needs, what a running one holds, what is left. No I/O and no
decisions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

WHOLE = 100
"""Hundredths of a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a job asks for. gpus: below 1 a part of one. gpu_type: a word of the device's name.
    seconds: its time limit, None without one. element: of an array, its name for people:
    ARRAY/INDEX.
    """

    job: str
    cpus: int
    gpus: float
    memory_gib: float = 0.0
    gpu_type: str | None = None
    seconds: float | None = None
    element: str = ""

    @property
    def shown_id(self) -> str:
        """Its name in lists."""
        return self.element or self.job

    @property
    def devices(self) -> int:
        """How many GPUs it uses."""
        return math.ceil(self.gpus)

    @property
    def share(self) -> int:
        """Hundredths of each of them."""
        return WHOLE if self.gpus >= 1 else round(self.gpus * WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a running job holds. share: hundredths of each of its GPUs. ends_in: seconds until its
    time limit ends it. element: as in a need.
    """

    job: str
    cpus: int
    gpu_ids: tuple[str, ...]
    memory_gib: float = 0.0
    share: int = WHOLE
    ends_in: float = math.inf
    element: str = ""

    @property
    def shown_id(self) -> str:
        """Its name in lists."""
        return self.element or self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the machine has. gpus: number by id. types: name by id. busy: GPUs used by a process
    outside the queue, with that process.
    """

    cpus: int
    gpus: Mapping[str, int]
    memory_gib: float
    types: Mapping[str, str] = field(default_factory=dict)
    busy: Mapping[str, str] = field(default_factory=dict)

    def of_type(self, gpu_type: str | None) -> list[str]:
        """GPUs whose name has this word."""
        return [
            gpu
            for gpu in self.gpus
            if gpu_type is None or gpu_type.casefold() in self.types.get(gpu, "").casefold()
        ]


@dataclass(frozen=True, slots=True)
class FreeCapacity:
    """What is left. gpus: hundredths by id."""

    cpus: int
    memory_gib: float
    gpus: Mapping[str, int]


def hold(need: Need, gpu_ids: tuple[str, ...]) -> Holding:
    """What a job holds once it has started."""
    ends_in = math.inf if need.seconds is None else need.seconds
    return Holding(
        job=need.job,
        cpus=need.cpus,
        gpu_ids=gpu_ids,
        memory_gib=need.memory_gib,
        share=need.share,
        ends_in=ends_in,
        element=need.element,
    )


def room_of(holdings: Iterable[Holding], capacity: Capacity) -> FreeCapacity:
    """What is left beside these. Less than zero CPUs counts as zero: jobs may still run from a time
    of more slots.
    """
    gpus = {gpu: 0 if gpu in capacity.busy else WHOLE for gpu in capacity.gpus}
    cpus, memory = capacity.cpus, capacity.memory_gib
    for holding in holdings:
        cpus, memory = cpus - holding.cpus, memory - holding.memory_gib
        for gpu in holding.gpu_ids:
            if gpu in gpus:
                gpus[gpu] = max(0, gpus[gpu] - holding.share)
    return FreeCapacity(max(0, cpus), max(0.0, memory), gpus)


def fit(need: Need, free: FreeCapacity, capacity: Capacity) -> tuple[str, ...] | None:
    """The GPUs that it would get; None if there is no room. A part comes from the device with the
    least sufficient room, so that whole ones stay whole.
    """
    if need.cpus > free.cpus or need.memory_gib > free.memory_gib:
        return None
    fitting = (
        [gpu for gpu in capacity.of_type(need.gpu_type) if free.gpus[gpu] >= need.share]
        if need.gpus
        else []
    )
    if len(fitting) < need.devices:
        return None
    if need.share < WHOLE:
        fitting.sort(key=lambda gpu: free.gpus[gpu])
    return tuple(fitting[: need.devices])


def take(need: Need, gpu_ids: Sequence[str], free: FreeCapacity) -> FreeCapacity:
    """What is left once it has started there."""
    gpus = {
        gpu: max(0, share - need.share) if gpu in gpu_ids else share
        for gpu, share in free.gpus.items()
    }
    return FreeCapacity(
        max(0, free.cpus - need.cpus), max(0.0, free.memory_gib - need.memory_gib), gpus
    )


def set_aside(need: Need, free: FreeCapacity, capacity: Capacity) -> FreeCapacity:
    """What is left for later jobs beside one that waits: the GPUs with the most room are reserved
    for it.
    """
    most = sorted(capacity.of_type(need.gpu_type), key=lambda gpu: -free.gpus[gpu])[: need.devices]
    return take(need, most, free)


def can_ever(need: Need, capacity: Capacity) -> bool:
    """Whether it would start on the empty machine."""
    return fit(need, room_of((), replace(capacity, busy={})), capacity) is not None


def reservation(need: Need, holdings: Sequence[Holding], capacity: Capacity) -> float:
    """Seconds until it starts at the latest, by the time limits of running jobs; infinite if that
    depends on a job without one.
    """
    holdings_left = sorted(holdings, key=lambda holding: holding.ends_in)
    while holdings_left:
        ends_in = holdings_left[0].ends_in
        if ends_in == math.inf:
            return math.inf
        holdings_left = [holding for holding in holdings_left if holding.ends_in > ends_in]
        if fit(need, room_of(holdings_left, capacity), capacity) is not None:
            return ends_in
    return math.inf
