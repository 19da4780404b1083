"""What the handlers share: the open project, and the threads that work for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.children import Children
from ..core.errors import Unavailable
from .threads import Threads

if TYPE_CHECKING:
    from ..jobs import Job
    from ..workbench import Workbench
    from .verbs import Option

READS, WRITES, SLOW = 8, 4, 4
"""Threads for reads, for small writes, and for slow reads or writes (a deploy, a prediction, a
remote server).

A read never waits for a write, which may wait for a lock of the database, and quick work never
waits for slow work.
"""

QUERIES = 4
"""Queries of users that run at a time, each in a process of its own."""
QUERY_PROCESS = "jupyter_mlinfra.catalog.apart.child"
_IDLE_SECONDS = 30 * 60.0
"""How long such a process waits for the next query: it holds 130 MB, and takes seconds to start."""

WAITING = 64
"""How many requests of a kind may run or wait for a thread; more are refused at once, so that a
flood cannot fill the memory.
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
        self._children = Children(QUERY_PROCESS, most=QUERIES, idle_seconds=_IDLE_SECONDS)

    def workbench(self) -> Workbench:
        """The project's workbench, created again when `mlinfra.toml` has changed. Raises NotFound,
        or BadRequest for broken settings.
        """
        import os

        from ..core.project import Project, find_root
        from ..core.settings import FILE
        from ..workbench import Workbench

        root = find_root(self._project or os.environ.get("MLINFRA_PROJECT") or self.root)
        key = (root, (root / FILE).stat().st_mtime_ns)
        with self._lock:
            if self._open is None or self._open[0] != key:
                self._open = key, Workbench(Project(root), self._children)
            return self._open[1]

    def may_ask_cluster(self, bench: Workbench, job: str | None, *named: str) -> bool:
        """Whether a request about a job, or of a backend of that name, may ask a cluster."""
        from ..jobs import may_ask_cluster

        return may_ask_cluster(bench.project, job, *named)

    def asks_tracking_server(self, bench: Workbench) -> bool:
        """Whether a read of experiments asks a server."""
        from ..experiments import ExperimentSettings

        uri = bench.project.settings.of(ExperimentSettings).tracking_uri
        return bool(uri) and not uri.startswith("sqlite")

    def as_job(
        self,
        bench: Workbench,
        verb: str,
        *operands: str,
        of: str,
        **options: Option | Sequence[str],
    ) -> Job:
        """Do what may take long as a job (see `verbs`)."""
        from .verbs import as_job

        return as_job(bench, verb, *operands, of=of, **options)

    async def run[T](self, work: Callable[[], T], *, writes: bool = False, slow: bool = False) -> T:
        """Do blocking work in a thread. Raises Unavailable if too many requests are waiting."""
        pool = writes, slow
        if self._running[pool] >= WAITING:
            raise Unavailable(
                "The workbench is busy.",
                f"{WAITING} requests are in progress.",
                "Try again in a moment.",
            )
        self._running[pool] += 1
        self._loop = asyncio.get_running_loop()
        try:
            return await asyncio.wrap_future(self._pools[pool].submit(work))
        finally:
            self._running[pool] -= 1

    def on_loop[T](self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Called from a thread: run `work` on the server's event loop, where it belongs, and wait
        for it.
        """
        assert self._loop is not None, "a thread works for a request"
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def close(self) -> None:
        """Accept no more work; running work may end, but the process does not wait for it."""
        for pool in self._pools.values():
            pool.close()
        self._children.close()
