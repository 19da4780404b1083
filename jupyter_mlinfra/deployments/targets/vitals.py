"""What the kernel knows about a serving process and its descendants: memory, and whether they are
suspended.
"""

from __future__ import annotations

import contextlib
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


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    import psutil

    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
