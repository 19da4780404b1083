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

from .refusal import RequestRefused

SHORT_SECONDS = 0.001
"""A call that usually takes less is worked on alone."""

PATIENCE_SECONDS = 0.005
"""So long a short call waits for the one before it; then another thread takes it."""

_MEMORY = 0.05  # of the usual time: weight of the newest call
_UNSURE_CALLS = 1000
"""After so many calls beside others it is tried whether they are short alone."""


class Turns:
    """At most `threads` pieces of work at a time."""

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._begun: dict[int, float] = {}
        self._threads = self._idle = 0
        self._lookout = self._closed = False
        self._usual_seconds = SHORT_SECONDS
        self._unsure = 0

    def add(self, work: Callable[[], None]) -> None:
        """Have it done. work: raises nothing. Raises RuntimeError without a thread."""
        with self._changed:
            self._waiting.append(work)
            if not self._begun or not self._lookout:
                self._wake()
            if not self._threads:
                self._waiting.remove(work)
                raise RuntimeError("No thread can be started.")

    def close(self) -> None:
        """End the threads that have no work; what waits is not done."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        """Have one more thread look at what waits."""
        if self._idle:
            self._changed.notify()
        elif self._threads < self._most:
            name = f"model-{self._threads + 1}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            with contextlib.suppress(RuntimeError):  # none is to be had: the next work tries again
                thread.start()
                self._threads += 1

    def _serve(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._waiting:
                    self._rest(None)
                elif (left := self._seconds_left()) > 0:
                    # One thread looks at the clock; the others sleep.
                    self._rest(None if self._lookout else left)
                else:
                    self._work()

    def _rest(self, seconds: float | None) -> None:
        self._lookout = self._lookout or seconds is not None
        self._idle += 1
        self._changed.wait(seconds)
        self._idle -= 1
        if seconds is not None:
            self._lookout = False

    def _seconds_left(self) -> float:
        """Until the next work may begin beside that which is under way."""
        if not self._begun or self._usual_seconds > SHORT_SECONDS:
            return 0.0
        return max(self._begun.values()) + PATIENCE_SECONDS - time.monotonic()

    def _work(self) -> None:
        """Do what has waited longest. The lock is held before and after it."""
        work, me = self._waiting.popleft(), threading.get_ident()
        begun = self._begun[me] = time.monotonic()
        beside = len(self._begun)
        if self._waiting and not self._lookout:
            self._wake()
        self._changed.release()
        try:
            work()
        finally:
            self._changed.acquire()
            beside = max(beside, len(self._begun))
            del self._begun[me]
            self._learn(time.monotonic() - begun, beside)

    def _learn(self, seconds: float, beside: int) -> None:
        """beside: how many were under way at its beginning, or at its end, itself included. One of
        several may have taken its time from the others, but it is not shorter than its share.
        """
        least = seconds if beside == 1 else min(seconds / beside, PATIENCE_SECONDS)
        if beside == 1 or least > self._usual_seconds:
            self._usual_seconds += _MEMORY * (least - self._usual_seconds)
        self._unsure = 0 if beside == 1 else self._unsure + 1
        if self._unsure > _UNSURE_CALLS:
            self._unsure, self._usual_seconds = 0, min(self._usual_seconds, SHORT_SECONDS)


class Pool:
    """Calls of one event loop, on which `run` is awaited."""

    def __init__(self, threads: int) -> None:
        self._turns = Turns(threads)
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._telling = False

    async def run[T](self, call: Callable[..., T], *given: Any) -> T:
        """The value of `call(*given)`, or what it raises; RequestRefused without a thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            value: Any = None
            error: BaseException | None = None
            try:
                value = call(*given)
            except BaseException as raised:  # noqa: BLE001 (it is the caller's)
                error = raised
            self._done.append((future, value, error))
            if not self._telling:  # the loop is woken once for what has come until it looks
                self._telling = True
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._tell)

        try:
            self._turns.add(work)
        except RuntimeError as error:
            raise RequestRefused(
                "The process is out of threads.", f"{error}", "Send it again.", status=503
            ) from None
        return await future

    def close(self) -> None:
        """End the threads that have no work; what waits is not worked on."""
        self._turns.close()

    def _tell(self) -> None:
        """On the loop: give the callers what came."""
        self._telling = False  # before the look: what comes later has the loop woken again
        while self._done:
            future, value, error = self._done.popleft()
            if future.done():
                continue  # the caller has left
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
