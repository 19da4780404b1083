"""What the processes of a version used, minute by minute.

    vitals/<deployment>/2026-11-24.jsonl    one line per minute and version

The payload log knows what was asked and answered, this log what it cost. A minute is one append, so
that a keeper that dies loses at most the minute that it was in.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from ...core.project import Project
from .gpu_use import GpuUse

MINUTE = 60
DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a version. at: seconds since 1970. memory_bytes: of all its processes. cpu: the
    processor time of each process with its children, in seconds, by its number. in_flight: requests
    that the gateway has taken and not answered. retried: requests that it sent to another process
    since the last look. gpu: what they use of GPUs.
    """

    at: float
    memory_bytes: int
    cpu: Mapping[int, float]
    in_flight: int
    retried: int
    gpu: GpuUse = field(default_factory=GpuUse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One minute of a version. at: its start, in seconds since 1970. memory_bytes, gpu_bytes,
    in_flight, processes: the most that was seen. cpu_seconds: used within it, as far as it was
    seen. gpu_load: the mean, 0 to 1. gpu_why: why what is None of the GPUs is not known.
    """

    at: int
    version: str
    memory_bytes: int
    cpu_seconds: float
    in_flight: int
    retried: int
    processes: int
    gpu_bytes: int | None = None
    gpu_load: float | None = None
    gpu_why: str = ""


@dataclass(slots=True)
class _Minute:
    at: int
    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    in_flight: int = 0
    retried: int = 0
    processes: int = 0
    gpus: list[GpuUse] = field(default_factory=list)

    def vitals(self, version: str) -> Vitals:
        """What is written when it is over."""
        sizes = [use.memory_bytes for use in self.gpus if use.memory_bytes is not None]
        loads = [use.load for use in self.gpus if use.load is not None]
        unknown = not (sizes and loads)
        return Vitals(
            at=self.at,
            version=version,
            memory_bytes=self.memory_bytes,
            cpu_seconds=round(self.cpu_seconds, 3),
            in_flight=self.in_flight,
            retried=self.retried,
            processes=self.processes,
            gpu_bytes=max(sizes, default=None),
            gpu_load=round(math.fsum(loads) / len(loads), 3) if loads else None,
            gpu_why=self.gpus[-1].why if unknown and self.gpus else "",
        )


@dataclass(slots=True)
class VitalsLog:
    """Gathers readings into minutes and writes each when it is over. days: for how long files are
    kept.
    """

    project: Project
    days: float
    _minutes: dict[tuple[str, str], _Minute] = field(default_factory=dict)
    _last: dict[tuple[str, str], Reading] = field(default_factory=dict)

    def note(self, deployment: str, version: str, reading: Reading) -> None:
        """Count a reading. A full disk costs the minute, nothing else."""
        key, start = (deployment, version), int(reading.at // MINUTE) * MINUTE
        minute = self._minutes.get(key)
        if minute is None or minute.at != start:
            if minute is not None:
                self._write(key, minute)
            minute = self._minutes[key] = _Minute(start)
        minute.memory_bytes = max(minute.memory_bytes, reading.memory_bytes)
        minute.cpu_seconds += used_since(self._last.get(key), reading)
        minute.in_flight = max(minute.in_flight, reading.in_flight)
        minute.retried += reading.retried
        minute.processes = max(minute.processes, len(reading.cpu))
        minute.gpus.append(reading.gpu)
        self._last[key] = reading

    def keep(self, known: set[tuple[str, str]]) -> None:
        """Write the minutes of versions that have no process any more, and forget them."""
        for key in set(self._minutes) - known:
            self._write(key, self._minutes.pop(key))
            self._last.pop(key, None)

    def _write(self, key: tuple[str, str], minute: _Minute) -> None:
        deployment, version = key
        vitals = minute.vitals(version)
        path = _folder(self.project, deployment) / f"{_day(minute.at)}.jsonl"
        with contextlib.suppress(OSError):
            if not path.exists():
                # Not the state folder: a project that was removed stays removed.
                path.parent.parent.mkdir(exist_ok=True)
                path.parent.mkdir(exist_ok=True)
                self._prune(minute.at)
            with path.open("a+b") as file:
                file.write(_line_after(file, json.dumps(asdict(vitals))))

    def _prune(self, at: float) -> None:
        """Remove old files, also of deployments that are gone."""
        if self.days * DAY >= at:
            return  # for ever
        oldest = _day(at - self.days * DAY)
        for path in (self.project.home / "vitals").glob("*/*.jsonl"):
            if path.stem < oldest:
                path.unlink(missing_ok=True)


def used_since(before: Reading | None, reading: Reading) -> float:
    """Seconds of processor time between two looks. A process that was not there before has used all
    of its time since. At the first look nobody knows, nor after a pause: what was used in it is of
    other minutes.

    A child may end while its family is looked at: then its time is missing once, and is not used
    again when it is back.
    """
    if before is None or not 0 < reading.at - before.at <= MINUTE:
        return 0.0
    used = math.fsum(
        max(0.0, seconds - before.cpu.get(pid, 0.0)) for pid, seconds in reading.cpu.items()
    )
    return min(used, (reading.at - before.at) * (os.cpu_count() or 1))


def _line_after(file: BinaryIO, text: str) -> bytes:
    """A line for the end of a file, whose last one may be torn."""
    torn = False
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        torn = file.read(1) != b"\n"
    return b"\n" * torn + text.encode() + b"\n"


def read_vitals(project: Project, deployment: str, since: float, until: float) -> Iterator[Vitals]:
    """The minutes that begin in [since, until), in seconds since 1970, oldest first. A line that is
    not whole, because the machine stopped while it was written, is left out.
    """
    folder = _folder(project, deployment)
    last = datetime.fromtimestamp(until, UTC).date()
    day = datetime.fromtimestamp(since, UTC).date()
    while day <= last:
        with contextlib.suppress(FileNotFoundError):
            for line in (folder / f"{day.isoformat()}.jsonl").read_bytes().split(b"\n"):
                found = _parsed(line)
                if found is not None and since <= found.at < until:
                    yield found
        day += timedelta(days=1)


def _parsed(line: bytes) -> Vitals | None:
    try:
        return Vitals(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _folder(project: Project, deployment: str) -> Path:
    return project.home / "vitals" / deployment


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
