"""The threads behind the handlers: they answer, they are few, and they let the server end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.server.threads import Threads

_STOP_DURING_A_REQUEST = """
import asyncio, pathlib, threading
from jupyter_mlinfra.server.context import Context

async def serve():
    context, begun = Context(pathlib.Path(".")), threading.Event()
    def work():
        begun.set()
        threading.Event().wait()  # a request that never ends
    running = [asyncio.ensure_future(context.run(work, slow=slow)) for slow in (False, True)]
    while not begun.is_set():
        await asyncio.sleep(0.01)
    context.close()
    for one in running:
        one.cancel()

asyncio.run(serve())
print("stopped", flush=True)
"""


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2, "test")
    yield threads
    threads.close()


def test_a_server_that_stops_waits_for_no_request() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STOP_DURING_A_REQUEST], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


def test_answers_and_errors_come_back(threads: Threads) -> None:
    assert [
        threads.submit(lambda number=number: number * 2).result(30) for number in range(20)
    ] == list(range(0, 40, 2))  # type: ignore[misc]
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(30)
    assert threads.submit(lambda: "still here").result(30) == "still here"


def test_no_more_threads_than_said_work_at_once(threads: Threads) -> None:
    gate, names = threading.Barrier(2), set()

    def work() -> None:
        names.add(threading.current_thread().name)
        gate.wait(30)  # two at a time, or it breaks

    for future in [threads.submit(work) for _ in range(8)]:
        future.result(30)
    assert names == {"test-1", "test-2"}


def test_what_waits_is_cancelled_and_nothing_more_is_taken(threads: Threads) -> None:
    gate = threading.Event()
    running = [threads.submit(gate.wait) for _ in range(2)]
    while not all(future.running() for future in running):
        pass
    waiting = threads.submit(lambda: "never")
    threads.close()
    with pytest.raises(CancelledError):
        waiting.result(30)
    with pytest.raises(Unavailable, match="stops"):
        threads.submit(lambda: "never")
    gate.set()
    assert [future.result(30) for future in running] == [True, True]


def test_a_panic_is_answered_as_an_error() -> None:
    class Panic(BaseException):
        """As Polars raises it."""

    def work() -> None:
        raise Panic("lost")

    with pytest.raises(RuntimeError, match="Panic: lost"):
        Threads(1, "t").submit(work).result(5)
