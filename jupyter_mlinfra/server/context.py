"""What the handlers share: the open project, and the threads that work for them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Unavailable
from .threads import Threads

if TYPE_CHECKING:
    from ..workbench import Workbench

READS, WRITES, SLOW = 8, 4, 4
"""Threads for reads, for small writes, and for reads or writes that take longer (a deploy, a
prediction, a server elsewhere).

A read never waits for a write, which may wait for a lock of the database, and what is quick never
waits for what is slow.
"""

WAITING = 64
"""Requests of a kind that may be under way or wait for a thread; more are refused at once, so that
a flood cannot fill the memory.
"""


class Context:
    """One Jupyter server's view of one project.

    Work is done in pools of threads, one for each pair (writes, slow).

    project: where to look for `mlinfra.toml`, upwards; empty for MLINFRA_PROJECT, else `root`, the
    server's own root folder.
    """

    def __init__(self, root: Path, project: str = "") -> None:
        self.root = root
        self._project = project
        self._lock = threading.Lock()
        self._open: tuple[tuple[Path, int], Workbench] | None = None
        self._pools = {
            (False, False): Threads(READS, "mlinfra-read"),
            (True, False): Threads(WRITES, "mlinfra-write"),
            (False, True): Threads(SLOW, "mlinfra-slow-read"),
            (True, True): Threads(SLOW, "mlinfra-slow-write"),
        }
        self._running = dict.fromkeys(self._pools, 0)
        self._loop: asyncio.AbstractEventLoop | None = None

    def workbench(self) -> Workbench:
        """The project's workbench: made again when `mlinfra.toml` has changed. Raises NotFound,
        BadRequest for broken settings.
        """
        import os

        from ..core.project import Project, find_root
        from ..core.settings import FILE
        from ..workbench import Workbench

        root = find_root(self._project or os.environ.get("MLINFRA_PROJECT") or self.root)
        key = (root, (root / FILE).stat().st_mtime_ns)
        with self._lock:
            if self._open is None or self._open[0] != key:
                self._open = key, Workbench(Project(root), later=self._later)
            return self._open[1]

    async def run[T](self, work: Callable[[], T], *, writes: bool = False, slow: bool = False) -> T:
        """Do blocking work in a thread. Raises Unavailable when too much is waiting already."""
        pool = writes, slow
        if self._running[pool] >= WAITING:
            raise Unavailable(
                "The workbench is busy.",
                f"{WAITING} requests are under way.",
                "Try again in a moment.",
            )
        self._running[pool] += 1
        self._loop = asyncio.get_running_loop()
        try:
            return await asyncio.wrap_future(self._pools[pool].submit(work))
        finally:
            self._running[pool] -= 1

    def on_loop[T](self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """From a thread: do on the server's event loop what belongs there, and wait for it."""
        assert self._loop is not None, "a thread works for a request"
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def _later(self, work: Callable[[], object]) -> None:
        """From a thread: do this when a thread for writes is free; nobody waits for it."""
        assert self._loop is not None, "a thread works for a request"
        self._loop.call_soon_threadsafe(self._submit, work)

    def _submit(self, work: Callable[[], object]) -> None:
        with contextlib.suppress(Unavailable):  # the server stops
            self._pools[True, False].submit(work)

    def close(self) -> None:
        """Take no more work; what runs may end, but the process does not wait for it."""
        for pool in self._pools.values():
            pool.close()
