"""Children that wait for the next request, so that it need not wait for the start of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .child import Child
from .errors import MLInfraError, Unavailable
from .waiting import check_waiting

_LOOKS_SECONDS = 0.2
_STARTS_SECONDS = 120.0
"""How long a child may take to start; on a busy machine it takes many seconds."""
_GROWS = 256 << 20
"""A child that has kept more memory than this is not asked again."""


class Children:
    """Processes of one module (see `child.serve`): at most `most` work at once. One of them stays,
    for `idle_seconds` after its last work. Safe to share between threads.
    """

    def __init__(self, module: str, *, most: int, idle_seconds: float) -> None:
        self._module, self._idle_seconds = module, idle_seconds
        self._slots = threading.BoundedSemaphore(most)
        self._lock = threading.Condition()
        self._all: dict[Child, int] = {}
        """With the memory that each took at its start."""
        self._idle: Child | None = None
        self._timer: threading.Timer | None = None
        self._preparing = False
        """Whether a thread makes one ready."""
        self._closed = False

    @contextmanager
    def child(self) -> Iterator[Child]:
        """A child that is ready. It is ended if the block raises, and another one made ready.
        Raises Unavailable if nobody waits for the answer any more, or if none can be started.
        """
        while not self._slots.acquire(timeout=_LOOKS_SECONDS):
            check_waiting()
        try:
            child = self._taken() or self._started()
            try:
                yield child
            except BaseException:
                self._replace(child)
                raise
            if child.memory() > self._all.get(child, 0) + _GROWS:
                self._replace(child)
            else:
                self._keep(child)
        finally:
            self._slots.release()

    def close(self) -> None:
        """End all of them, with what they do."""
        with self._lock:
            self._closed = True
            found, idle = list(self._all), self._idle
        for child in found:
            child.kill()  # the thread that waits for it does the rest
        if idle is not None:
            self._end(idle)

    def _taken(self) -> Child | None:
        """The one that waits, or is made ready; None if there is none."""
        with self._lock:
            while self._idle is None and self._preparing:
                check_waiting()
                self._lock.wait(_LOOKS_SECONDS)
            child, self._idle = self._idle, None
            if self._timer:
                self._timer.cancel()
        if child is not None and child.exit_code is not None:
            self._end(child)
            return None
        return child

    def _started(self) -> Child:
        """A new one. Raises Unavailable."""
        child = Child(self._module)
        with self._lock:
            self._all[child] = 0
            closed = self._closed
        late = time.monotonic() + _STARTS_SECONDS

        def look() -> None:
            check_waiting()
            if time.monotonic() > late:
                raise Unavailable(
                    "The process that does this did not start in time.",
                    f"It was given {_STARTS_SECONDS:g} s: the machine may be busy.",
                    "Try again.",
                )

        try:
            if closed or child.line(look) is None:
                raise Unavailable(
                    "The process that does this did not start.",
                    "The server stops." if closed else f"It ended with {child.exit_code}.",
                    "Look at the log of the Jupyter server.",
                )
        except BaseException:
            self._end(child)
            raise
        with self._lock:
            self._all[child] = child.memory()
        return child

    def _keep(self, child: Child) -> None:
        """Let it wait for the next request, if none does."""
        with self._lock:
            kept = self._idle is None and not self._closed
            if kept:
                self._idle = child
                self._timer = threading.Timer(self._idle_seconds, self._expire, (child,))
                self._timer.daemon = True
                self._timer.start()
        if not kept:
            self._end(child)

    def _expire(self, child: Child) -> None:
        with self._lock:
            if self._idle is not child:
                return
            self._idle = None
        self._end(child)

    def _end(self, child: Child) -> None:
        with self._lock:
            self._all.pop(child, None)
            if self._idle is child:
                self._idle = None
        child.end()

    def _replace(self, child: Child) -> None:
        """End it, and have another one soon."""
        self._end(child)
        with self._lock:
            if self._closed or self._preparing or self._idle is not None:
                return
            self._preparing = True
        threading.Thread(target=self._prepare, daemon=True).start()

    def _prepare(self) -> None:
        try:
            with suppress(MLInfraError):  # whoever asks next is told
                self._keep(self._started())
        finally:
            with self._lock:
                self._preparing = False
                self._lock.notify_all()
