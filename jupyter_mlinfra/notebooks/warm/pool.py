"""The warm kernels of one process and one project: which exist, which one fits a request, when
another is started and when they end.

One thread starts and ends them; it runs while there is anything to do.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import MLInfraError
from ...core.machine import memory_gib, memory_used
from ..parameters import read_notebook
from ..warm.settings import WarmSettings
from .imports import import_lines, lines_of
from .kinds import (
    FAILED_SECONDS,
    FULL,
    IDLE_SECONDS,
    LOOK_SECONDS,
    NOTEBOOKS,
    REFILL_SECONDS,
    next_kind,
    note_kind,
)
from .standby import KernelRequest, Standby


@dataclass(slots=True)
class _Kind:
    """Interchangeable kernels. request: the last request. failures: in a row."""

    request: KernelRequest
    failures: int = 0


class Pool:
    """Does nothing until the first request. Settings may change from one request to the next."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._pid = say, os.getpid()
        self._changed = threading.Condition()
        self._settings = WarmSettings()
        self._kinds: dict[str, _Kind] = {}
        self._standbys: list[Standby] = []
        self._thread: threading.Thread | None = None
        self._used_at = 0.0
        self._again_at = 0.0
        self._largest = 0

    @property
    def foreign(self) -> bool:
        """Whether this process is a fork of the pool's own."""
        return os.getpid() != self._pid

    def take(self, request: KernelRequest, connection: str) -> Standby | None:
        """A kernel that fits the request; the pool gives it up. None means a cold start."""
        with self._changed:
            try:
                found = next(standby for standby in self._standbys if standby.suits(request))
            except (StopIteration, OSError):  # none, or a folder that cannot be read
                return None
            self._standbys.remove(found)
        try:
            why = found.stale()
            if not why:
                found.hand_out(request, connection)
                return found
        except Exception as error:  # noqa: BLE001 - a cold start is still possible
            why = str(error)
        found.end()
        self._say(f"A warm kernel was ended: {why.rstrip('.')}.")
        return None

    def want(self, request: KernelRequest, settings: WarmSettings) -> None:
        """Prepare another such kernel, after a pause, for the next request."""
        with self._changed:
            kind = self._kinds.get(request.key) or _Kind(request)
            kind.request = request
            note_kind(self._kinds, request.key, kind)
            self._used_at = time.monotonic()
            self._again_at = max(
                self._again_at if settings == self._settings else 0.0,
                self._used_at + REFILL_SECONDS,
            )
            self._settings = settings
            if self._thread is None:
                self._thread = threading.Thread(target=self._tend, name="mlinfra-warm", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End all. A fork of the process owns none."""
        if self.foreign:
            return
        with self._changed:
            self._kinds.clear()
            self._clear("")
            self._changed.notify()

    # In the thread, and, except for the start of a kernel, in the lock

    def _tend(self) -> None:
        while True:
            with self._changed:
                self._drop_unfit()
                if not self._kinds and not self._standbys:
                    self._thread = None
                    return
                key = self._due()
                if key is None:
                    self._changed.wait(self._pause())
                    continue
                kind, settings = self._kinds[key], self._settings
                try:
                    standby = Standby(kind.request)
                except OSError as error:
                    self._failed(key, str(error))
                    continue
                self._standbys.append(standby)
            self._warm_up(standby, kind, settings)

    def _warm_up(self, standby: Standby, kind: _Kind, settings: WarmSettings) -> None:
        started_at = time.monotonic()
        try:
            standby.warm_up(
                lines_of(settings.warm_imports) or _imports_in(Path(kind.request.folder))
            )
        except Exception as error:  # noqa: BLE001 - other kernels are not affected
            with self._changed:
                if standby in self._standbys:
                    self._drop(standby, str(error))
                    self._failed(standby.key, "")
            return
        with self._changed:
            kind.failures = 0
            self._largest = max(self._largest, standby.size)
            self._say(
                f"A warm kernel is ready: {standby.size / 2**20:.0f} MiB, after"
                f" {time.monotonic() - started_at:.1f} s."
            )

    def _drop_unfit(self) -> None:
        for standby in list(self._standbys):
            if why := standby.stale():
                self._drop(standby, why)
        at = time.monotonic()
        if at >= self._used_at + IDLE_SECONDS:
            self._kinds.clear()  # an environment may hold secrets
            self._clear("it was not used")
        elif memory_used() >= FULL:
            self._clear("the machine is short of memory")
            self._again_at = max(self._again_at, at + LOOK_SECONDS)
        while self._standbys and self._held() > self._room:
            self._drop(self._standbys[0], "together they use more than warm_memory_gib")
            self._again_at = at + IDLE_SECONDS
        while len(self._standbys) > self._settings.warm_size:
            self._drop(self._standbys[0], "fewer are needed")

    def _due(self) -> str | None:
        """The kind to start now: among the last requested, the newest that has no kernel."""
        if time.monotonic() < self._again_at:
            return None
        found = next_kind(self._kinds, self._standbys, self._settings.warm_size)
        if found is None:
            return None
        key, other = found
        if other is not None:
            self._drop(other, "another kind is needed")
        return None if self._held() + self._largest > self._room else key

    def _pause(self) -> float:
        """Seconds until the next check."""
        at = time.monotonic()
        return min(
            [
                LOOK_SECONDS,
                *(
                    moment - at
                    for moment in (self._again_at, self._used_at + IDLE_SECONDS)
                    if moment > at
                ),
            ]
        )

    @property
    def _room(self) -> int:
        return int(self._settings.warm_room_gib(memory_gib()) * 2**30)

    def _held(self) -> int:
        return sum(standby.size or self._largest for standby in self._standbys)

    def _failed(self, key: str, why: str) -> None:
        if (kind := self._kinds.get(key)) is not None:
            kind.failures += 1
        self._again_at = time.monotonic() + FAILED_SECONDS
        if why:
            self._say(f"No warm kernel was started: {why}.")

    def _clear(self, why: str) -> None:
        for standby in list(self._standbys):
            self._drop(standby, why)

    def _drop(self, standby: Standby, why: str) -> None:
        self._standbys.remove(standby)
        standby.end()
        if why:
            self._say(f"A warm kernel was ended: {why.rstrip('.')}.")


_POOLS: dict[Path, Pool] = {}
_LOCK = threading.Lock()


def pool_of(root: Path, say: Callable[[str], None]) -> Pool:
    """The pool of this process for a project."""
    with _LOCK:
        pool = _POOLS.get(root)
        if pool is None or pool.foreign:
            pool = _POOLS[root] = Pool(say)
            atexit.register(pool.close)
        return pool


def _imports_in(folder: Path) -> Sequence[str]:
    """The imports of the last saved notebooks in a folder."""
    found = list[str]()
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*.ipynb"), key=_saved_at)[-NOTEBOOKS:]:
            with contextlib.suppress(MLInfraError):  # not a notebook
                found += import_lines(read_notebook(path, path.name))
    return list(dict.fromkeys(found))


def _saved_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
