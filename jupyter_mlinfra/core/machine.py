"""What this machine has and how busy it is, from the standard library: the supervisor must stay
small.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_SESSION = b"JPY_SESSION_NAME="


def cpu_slots(setting: int) -> int:
    """CPU slots: as set, else the CPUs that this process may use, those of a container's quota
    included.
    """
    if setting:
        return setting
    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(usable, _quota() or usable))


def _quota() -> int | None:
    """CPUs of the control group, rounded up; None without a limit. Source: cgroup-v2.rst,
    cpu.max.
    """
    with contextlib.suppress(OSError, ValueError):
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if limit != "max":
            return -(-int(limit) // int(period))
    return None


def memory_gib() -> float:
    """Memory of the machine, or of the container when that has less, in GiB."""
    total = _meminfo().get("MemTotal", 0) * 1024
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total / 2**30


def memory_used() -> float:
    """Part of the memory that is in use, 0 to 1."""
    info = _meminfo()
    total = info.get("MemTotal", 0)
    return 1 - info.get("MemAvailable", 0) / total if total else 0.0


def load() -> float:
    """Part of the CPUs that was busy in the last minute, 0 to 1: the load average over the CPUs."""
    return min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def process_name(pid: int) -> str:
    """How a process outside the queue is called in a reason; a kernel by its notebook, whose path
    Jupyter Server hands it (JPY_SESSION_NAME).
    """
    with contextlib.suppress(OSError):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        notebook = next(
            (
                variable.removeprefix(_SESSION)
                for variable in variables
                if variable.startswith(_SESSION)
            ),
            b"",
        )
        if notebook:
            return f"kernel {os.path.basename(os.fsdecode(notebook))} (pid {pid})"
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    except OSError:
        return f"a process outside this container (pid {pid})"


def _meminfo() -> dict[str, int]:
    """/proc/meminfo in KiB."""
    with contextlib.suppress(OSError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        return {
            fields[0].rstrip(":"): int(fields[1])
            for fields in lines
            if len(fields) > 1 and fields[1].isdigit()
        }
    return {}
