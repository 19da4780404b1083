"""Environments that are no longer needed: that of an ended job is removed soon, unless another job
has the same, as the next submit often does; those of deleted projects from time to time.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from pathlib import Path
from threading import Thread

from ..attempt.environment import FRESH_SECONDS, forget_deleted, release
from ..queue.store import JobStore

RELEASE_SECONDS = 2.0
"""How long the environment of an ended job is kept for the next one."""


class Environments:
    """Environments that ended jobs no longer need."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._unneeded: set[str] = set()
        self._release_at: float | None = None

    def due(self) -> float | None:
        """When some are to be removed, in monotonic seconds."""
        return self._release_at

    def add(self, path: str) -> None:
        """A job with this environment has ended."""
        self._unneeded.add(path)
        self._release_at = self._release_at or time.monotonic() + RELEASE_SECONDS

    def tend(self) -> None:
        """Remove them once they are due."""
        if self._release_at is not None and time.monotonic() >= self._release_at:
            self.release_all()

    def release_all(self) -> None:
        """Remove all that no other job needs."""
        self._release_at = None
        while self._unneeded:
            path = self._unneeded.pop()
            release(path, needed=partial(self._store.needs, path))


def watch_deleted(folder: Path) -> None:
    """Forget what deleted projects left beside `folder`, in a thread of its own: the state of
    another project may be on a share that does not answer.
    """
    Thread(target=_forget_deleted, args=(folder,), daemon=True).start()


def _forget_deleted(folder: Path) -> None:
    while True:
        with contextlib.suppress(OSError):
            forget_deleted(folder)
        time.sleep(FRESH_SECONDS)
