"""The threads that ask the model: short calls one after another, none behind a long one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from jupyter_mlinfra.deployments.runtime.pool import PATIENCE_SECONDS, SHORT_SECONDS, Pool
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused

LIMIT = 20.0


@pytest.fixture
def pool():
    """Of three threads."""
    found = Pool(3)
    yield found
    found.close()


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What the work returns within the limit."""
    return asyncio.run(asyncio.wait_for(work(), LIMIT))


class Counting:
    """A call that knows how many of it run at once."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, seconds: float, value: int = 0) -> int:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        if seconds:
            time.sleep(seconds)
        with self._lock:
            self.running -= 1
        return value


def test_each_call_gets_its_own_answer_and_its_own_error(pool):
    def call(number: int) -> int:
        if number % 3 == 0:
            raise ValueError(f"not {number}")
        return -number

    async def work():
        calls = (pool.run(call, number) for number in range(200))
        return await asyncio.gather(*calls, return_exceptions=True)

    for number, found in enumerate(run(work)):
        if number % 3 == 0:
            assert isinstance(found, ValueError)
            assert str(found) == f"not {number}"
        else:
            assert found == -number


def test_a_call_that_hangs_keeps_no_other_waiting(pool):
    hang = threading.Event()

    async def work():
        stuck = [asyncio.create_task(pool.run(hang.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        found = [await pool.run(int, "7") for _ in range(50)]
        assert not any(task.done() for task in stuck)
        hang.set()
        await asyncio.gather(*stuck)
        return found

    assert run(work) == [7] * 50


def test_more_calls_than_threads_hang_and_the_others_wait_until_one_has_ended(pool):
    hang = threading.Event()

    async def work():
        stuck = [asyncio.create_task(pool.run(hang.wait)) for _ in range(3)]
        await asyncio.sleep(10 * PATIENCE_SECONDS)
        late = asyncio.create_task(pool.run(int, "7"))
        await asyncio.sleep(10 * PATIENCE_SECONDS)
        assert not late.done()
        hang.set()
        await asyncio.gather(*stuck)
        return await late

    assert run(work) == 7


def test_long_calls_are_worked_on_at_the_same_time(pool):
    call = Counting()

    async def work():
        for _ in range(10):  # it learns how long they take
            await pool.run(call, 0.01)
        await asyncio.gather(*(pool.run(call, 0.05) for _ in range(12)))

    run(work)
    assert call.most == 3


async def under_load(pool: Pool, call: Callable[[], Any], *, callers: int, calls: int) -> None:
    """So many callers who ask again at once, so that no call is ever alone."""

    async def ask() -> None:
        for _ in range(calls):
            await pool.run(call)

    await asyncio.gather(*(ask() for _ in range(callers)))


def test_under_load_from_the_start_it_is_learned_that_calls_are_long(pool):
    run(lambda: under_load(pool, lambda: time.sleep(0.02), callers=6, calls=5))
    assert pool._turns._usual_seconds > SHORT_SECONDS


def test_one_slow_call_does_not_have_short_ones_worked_on_at_once_for_ever(pool, monkeypatch):
    monkeypatch.setattr("jupyter_mlinfra.deployments.runtime.pool._UNSURE_CALLS", 20)
    call = Counting()

    async def work():
        await under_load(pool, lambda: call(0.05), callers=6, calls=3)
        assert pool._turns._usual_seconds > SHORT_SECONDS
        await under_load(pool, lambda: call(0), callers=6, calls=100)

    run(work)
    assert pool._turns._usual_seconds <= SHORT_SECONDS


def test_a_thread_that_cannot_be_started_costs_its_request_alone(pool, monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def work():
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RequestRefused) as refused:
                await pool.run(int, "7")
        assert refused.value.status == 503
        return [await pool.run(int, "7") for _ in range(5)]

    assert run(work) == [7] * 5


def test_without_further_threads_those_that_there_are_do_all(pool, monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def work():
        await pool.run(int, "7")
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            return await asyncio.gather(*(pool.run(time.sleep, 0.01) for _ in range(9)))

    assert run(work) == [None] * 9


def test_short_calls_are_worked_on_one_after_another(pool, monkeypatch):
    monkeypatch.setattr("jupyter_mlinfra.deployments.runtime.pool.PATIENCE_SECONDS", LIMIT)
    call = Counting()

    async def work():
        for _ in range(100):
            await pool.run(call, 0)
        return await asyncio.gather(*(pool.run(call, 0, number) for number in range(500)))

    assert run(work) == [*range(500)]
    assert call.most == 1


def test_a_caller_who_left_keeps_no_answer_from_the_others(pool):
    go = threading.Event()

    async def work():
        left = asyncio.create_task(pool.run(go.wait))
        await asyncio.sleep(0.01)
        left.cancel()
        go.set()
        return await pool.run(int, "7")

    assert run(work) == 7


def test_a_closed_pool_leaves_no_thread():
    pool, mine = Pool(3), set[threading.Thread]()

    def call() -> None:
        mine.add(threading.current_thread())
        time.sleep(0.01)

    async def work():
        await asyncio.gather(*(pool.run(call) for _ in range(9)))

    run(work)
    assert mine
    pool.close()
    for one in mine:
        one.join(LIMIT)
        assert not one.is_alive()
