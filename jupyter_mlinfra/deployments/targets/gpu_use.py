"""What the serving processes of versions use of GPUs.

Most use none: then the driver is not asked, which would wake an idle GPU. It is asked in a thread,
because it may take seconds to answer, and may never.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

from ...core.gpus import Reading, gpu_readings, has_driver, holds_driver
from .vitals import family

FRESH_SECONDS = 30.0
"""An older answer of the driver says nothing of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUse:
    """What processes use. memory_bytes: of all GPUs together. load: 0 to 1, the mean of the GPUs
    that they compute on, whoever else does. why: why one of both is None, else empty.
    """

    memory_bytes: int | None = None
    load: float | None = None
    why: str = ""


NO_DRIVER = GpuUse(why="This machine has no NVIDIA driver.")
UNUSED = GpuUse(why="No process of it uses a GPU.")
SILENT = GpuUse(why=f"No answer of the driver is newer than {FRESH_SECONDS:g} s.")
UNNAMED = GpuUse(why="The driver does not name its processes, as in a container of its own.")
_UNSAID = "The driver does not say how much {} it is."


class GpuWatch:
    """Asks the driver in the background, one question at a time."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._answer: tuple[float, Mapping[str, Reading]] | None = None

    def uses[K](self, pids: Mapping[K, Sequence[int]]) -> dict[K, GpuUse]:
        """What the processes with these numbers and their children use, by what the driver has last
        answered; it is asked again for the next time.
        """
        if not has_driver():
            return dict.fromkeys(pids, NO_DRIVER)
        users = {
            key: {one for pid in found for one in family(pid) if holds_driver(one)}
            for key, found in pids.items()
        }
        if any(users.values()):
            self._ask()
        readings = self._newest()
        return {key: use_of(found, readings) if found else UNUSED for key, found in users.items()}

    def _ask(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._read, name="gpus", daemon=True)
            self._thread.start()

    def _read(self) -> None:
        self._answer = time.monotonic(), gpu_readings()

    def _newest(self) -> Mapping[str, Reading] | None:
        answer = self._answer
        if answer is None or time.monotonic() - answer[0] > FRESH_SECONDS:
            return None
        return answer[1]


def use_of(pids: Collection[int], readings: Mapping[str, Reading] | None) -> GpuUse:
    """What processes use by what each GPU says; None: it has not said anything."""
    if readings is None:
        return SILENT
    theirs = [item for item in readings.values() if any(pid in pids for pid in item.pids)]
    if not theirs:
        return UNNAMED
    sizes = [item.used.get(pid) for item in theirs for pid in item.pids if pid in pids]
    loads = [item.load for item in theirs if item.load is not None]
    known = [size for size in sizes if size is not None]
    memory = sum(known) if len(known) == len(sizes) else None
    load = math.fsum(loads) / len(loads) if loads else None
    unsaid = [name for name, value in (("memory", memory), ("load", load)) if value is None]
    why = _UNSAID.format(" and ".join(unsaid)) if unsaid else ""
    return GpuUse(memory_bytes=memory, load=load, why=why)
