"""Threads that work through a queue and never keep the process from ending.

Those of `concurrent.futures` are joined when the interpreter ends: Jupyter would hang when it stops
during a slow request. Cutting work off is as safe as a power cut: every write of the workbench is
whole or absent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from ..core.errors import Unavailable


class Threads:
    """At most `count` threads, each started when it is first needed; called only from the server's
    thread.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._started = 0
        self._closed = False
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit[T](self, work: Callable[[], T]) -> Future[T]:
        """Run `work` in one of the threads. Raises Unavailable after `close`."""
        if self._closed:
            raise Unavailable("The server stops.", "It takes no more requests.", "Start it again.")
        if self._started < self._count:
            self._started += 1
            threading.Thread(
                target=self._run, name=f"{self._name}-{self._started}", daemon=True
            ).start()
        future: Future[T] = Future()
        self._waiting.put((future, work))
        return future

    def close(self) -> None:
        """Cancel what waits; end each thread after its current work."""
        self._closed = True
        try:
            while item := self._waiting.get_nowait():
                item[0].cancel()
        except Empty:
            pass
        for _ in range(self._started):
            self._waiting.put(None)

    def _run(self) -> None:
        while item := self._waiting.get():
            _do(*item)
            del item  # the answer must not stay in memory until the next request


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        answer = work()
    except BaseException as error:  # noqa: BLE001 (the waiting request gets it)
        future.set_exception(_answerable(error))
    else:
        future.set_result(answer)


def _answerable(error: BaseException) -> BaseException:
    """The error, or one in its place if Tornado would not answer it, such as a panic of Polars."""
    if isinstance(error, Exception | KeyboardInterrupt | SystemExit):
        return error
    found = RuntimeError(f"{type(error).__name__}: {error}")
    found.__cause__ = error
    return found
