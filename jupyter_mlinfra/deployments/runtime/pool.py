"""The threads that ask the model.

Threads that all want the interpreter cost more than they bring: with 16 connections and a model
that answers in a third of a millisecond, eight threads took a fifth more processor time than one.
So calls that are usually short wait for each other, and one that takes long keeps none waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

SHORT_SECONDS = 0.001
"""A call that usually takes less is worked on alone."""

PATIENCE_SECONDS = 0.005
"""So long a short call waits for the one before it; then another thread takes it."""

_MEMORY = 0.05  # of the usual time: weight of the newest call


class Pool:
    """At most `threads` calls at a time; for one event loop.

    `run` is called on the loop. What waits when the pool is closed is not worked on.
    """

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]] = (
            deque()
        )
        self._begun: dict[int, float] = {}
        self._threads = self._idle = 0
        self._lookout = self._closed = False
        self._usual_seconds = SHORT_SECONDS
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._told = False

    async def run[T](self, call: Callable[..., T], *given: Any) -> T:
        """The value of `call(*given)`, or what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changed:
            self._waiting.append((call, given, future))
            if not self._begun or not self._lookout:
                self._wake()
        return await future

    def close(self) -> None:
        """End the threads that have no work."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        """Have one more thread look at what waits."""
        if self._idle:
            self._changed.notify()
        elif self._threads < self._most:
            self._threads += 1
            name = f"model-{self._threads}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        me = threading.get_ident()
        with self._changed:
            while not self._closed:
                if not self._waiting:
                    self._rest(None)
                elif (left := self._seconds_left()) > 0:
                    # One thread looks at the clock; the others sleep.
                    self._rest(None if self._lookout else left)
                else:
                    self._work(me)

    def _rest(self, seconds: float | None) -> None:
        self._lookout = self._lookout or seconds is not None
        self._idle += 1
        self._changed.wait(seconds)
        self._idle -= 1
        if seconds is not None:
            self._lookout = False

    def _seconds_left(self) -> float:
        """Until the next call may begin beside those that are being worked on."""
        if not self._begun or self._usual_seconds > SHORT_SECONDS:
            return 0.0
        return max(self._begun.values()) + PATIENCE_SECONDS - time.monotonic()

    def _work(self, me: int) -> None:
        """Take the oldest call. The lock is held before and after it."""
        call, given, future = self._waiting.popleft()
        alone, begun = not self._begun, time.monotonic()
        self._begun[me] = begun
        if self._waiting and not self._lookout:
            self._wake()
        self._changed.release()
        value: Any = None
        error: BaseException | None = None
        try:
            value = call(*given)
        except BaseException as raised:  # noqa: BLE001 (it is the caller's)
            error = raised
        finally:
            self._changed.acquire()
        del self._begun[me]
        if alone and not self._begun:
            seconds = time.monotonic() - begun
            self._usual_seconds += _MEMORY * (seconds - self._usual_seconds)
        self._done.append((future, value, error))
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop has ended
                future.get_loop().call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        """On the loop: give the callers what came."""
        with self._changed:
            done, self._done, self._told = self._done, deque(), False
        for future, value, error in done:
            if future.cancelled():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
