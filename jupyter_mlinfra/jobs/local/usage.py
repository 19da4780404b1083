"""What a running job uses: sampled by the process that watches it, stored as lines in the attempt's
folder, read back as points.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from ...core.files import open_regular, read_tail
from ...core.gpus import Reading, gpu_readings
from ...core.processes import Identity, trees
from ..attempt.files import Attempt
from ..queue.rows import JobEntry
from ..spec import GpuPoint, ResourcePoint

SAMPLE_SECONDS = 5.0
POINTS = 180
"""The most points in an answer: a quarter of an hour at full density."""
_TAIL_BYTES = 1_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the processes of a job have used so far. memory: bytes; what they share is counted once,
    for its largest holder.
    """

    cpu_seconds: float
    memory: int


class Sampler:
    """Samples running jobs from time to time."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._next = time.monotonic() + SAMPLE_SECONDS

    def due(self, *, running: bool) -> float | None:
        """When the next sample is due, in monotonic seconds; None while nothing runs."""
        return self._next if running else None

    def tend(self, entries: Iterable[JobEntry]) -> None:
        """Sample these jobs if it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SAMPLE_SECONDS
        running = list(entries)
        used = usages([entry.token for entry in running])
        readings = gpu_readings() if any(entry.job.gpu_ids for entry in running) else {}
        for entry in running:
            gpus = {gpu: readings[gpu] for gpu in entry.job.gpu_ids if gpu in readings}
            write(Attempt.of(self._home, entry.job.id, entry.job.attempt), used[entry.token], gpus)


def usages(tokens: Sequence[str]) -> dict[str, Usage]:
    """What the processes of each token use, in one scan of all processes."""
    return {token: _sum(processes) for token, processes in trees(tokens).items()}


def _sum(processes: Iterable[Identity]) -> Usage:
    ticks, private, shared = 0, 0, 0
    for process in processes:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
            # Its own time, and that of children that it has waited for.
            ticks += sum(int(field) for field in fields[11:15])
            _, resident, common, *_ = Path(f"/proc/{process.pid}/statm").read_text().split()
            private += int(resident) - int(common)
            shared = max(shared, int(common))
    return Usage(cpu_seconds=ticks / _TICKS, memory=(private + shared) * _PAGE)


def write(attempt: Attempt, usage: Usage, gpus: Mapping[str, Reading]) -> None:
    """Add a sample. A full disk costs only samples."""
    line = {
        "at": round(time.time(), 1),
        "cpu": usage.cpu_seconds,
        "memory": usage.memory,
        **(
            {"gpus": {gpu: [reading.load, reading.memory] for gpu, reading in gpus.items()}}
            if gpus
            else {}
        ),
    }
    with (
        contextlib.suppress(OSError),
        os.fdopen(
            open_regular(attempt.resources, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a"
        ) as file,
    ):
        file.write(json.dumps(line) + "\n")


def read(attempt: Attempt, *, cpus: int, since: float) -> list[ResourcePoint]:
    """Points from `since` (seconds since 1970) on, reduced to POINTS. cpus: of the job."""
    try:
        lines = read_tail(attempt.resources, _TAIL_BYTES).splitlines()
    except OSError:
        return []
    samples = list[dict[str, Any]]()
    for line in lines:
        with contextlib.suppress(ValueError):
            samples.append(json.loads(line))
    # The clock may have been set back.
    latest = accumulate((sample["at"] for sample in samples), max, initial=-math.inf)
    samples_kept = [
        sample
        for sample, before in zip(samples, latest, strict=False)
        if sample["at"] >= since and sample["at"] > before
    ]
    step = -(-len(samples_kept) // POINTS) or 1
    return [_point(old, new, cpus) for old, new in pairwise(samples_kept[::-step][::-1])]


def _point(old: Mapping[str, Any], new: Mapping[str, Any], cpus: int) -> ResourcePoint:
    used = max(0.0, new["cpu"] - old["cpu"])  # less if a process ended that nobody waited for
    return ResourcePoint(
        at=datetime.fromtimestamp(new["at"], UTC),
        cpu=used / (new["at"] - old["at"]) / max(1, cpus),
        memory_gib=new["memory"] / 2**30,
        gpus=[
            GpuPoint(id=gpu, load=load, memory=memory)
            for gpu, (load, memory) in new.get("gpus", {}).items()
        ],
    )
