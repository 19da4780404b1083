"""What the kernel knows about a serving process and its descendants: memory, processor time, and
whether they are suspended.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...core.processes import is_stopped


def family(pid: int) -> list[int]:
    """A process and its descendants, where the system lists them."""
    found = [pid]
    for parent in found:  # grows meanwhile
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_bytes().split())
    return found


def suspended(pid: int) -> bool:
    """Whether one of them was stopped, by SIGSTOP or a debugger."""
    return any(is_stopped(one) for one in family(pid))


def memory_bytes(pid: int) -> int:
    """Bytes in memory that they use together. Pages that they share, such as a model that was
    loaded before a fork, count once (proportional set size).
    """
    return sum(_memory(one) for one in family(pid))


def cpu_seconds(pid: int) -> float:
    """Processor time that they have used, with that of children that have ended."""
    return sum(_ticks(one) for one in family(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        # After the name, which may contain anything: utime, stime, cutime and cstime (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    import psutil

    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
