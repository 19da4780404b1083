"""The test before traffic *memory*, on processes that keep what they are told to keep."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.deployments import client, gates
from jupyter_mlinfra.deployments.memory_test import LOOK_REQUESTS, Grown, Memory, MemoryLimits

MIB = 1 << 20


def judged(
    looks: Sequence[Mapping[int, int]],
    ask: Callable[[], None] = lambda: None,
    *,
    counted: int = 1000,
    **limits: Any,
) -> tuple[bool | None, str]:
    """What the test says of processes that use so much before and after. counted: requests of the
    test *latency*.
    """
    seen = itertools.chain(looks, itertools.repeat(looks[-1]))
    memory = Memory(
        MemoryLimits(
            measure=lambda: next(seen),
            **{"requests": 1000, "seconds": 30.0, "budget_mib": 0, "growth_mib": 128.0, **limits},
        )
    )
    memory.begin(lambda: None)
    for _ in range(counted):
        memory.count()
    gate = memory.gate(ask)
    return gate.passed, gate.measured


@pytest.mark.parametrize(
    ("looks", "limits", "passed"),
    [
        ([{1: 90 * MIB, 2: 90 * MIB}, {1: 91 * MIB, 2: 91 * MIB}], {}, True),
        # 7 MiB in 1,000 requests is noise, 14 MiB are 140 MiB in 10,000.
        ([{1: 90 * MIB}, {1: 97 * MIB}], {}, True),
        ([{1: 90 * MIB}, {1: 104 * MIB}], {}, False),
        ([{1: 90 * MIB}, {1: 80 * MIB}], {}, True),
        ([{1: 90 * MIB}, {1: 90 * MIB}], {"budget_mib": 64}, False),
        ([{1: 90 * MIB}, {2: 90 * MIB}], {}, False),
        ([{}, {}], {}, None),
    ],
)
def test_growth_and_budget(
    looks: Sequence[Mapping[int, int]], limits: Any, passed: bool | None
) -> None:
    assert judged(looks, **limits)[0] is passed


def test_more_requests_are_sent_if_the_settings_want_them_but_not_for_ever() -> None:
    count = itertools.count()

    def ask() -> None:
        next(count)

    same = [{1: 90 * MIB}, {1: 100 * MIB}]
    passed, measured = judged(same, ask, requests=3000)
    assert (next(count), passed) == (2000, True), "10 MiB in 3,000 requests are 33 in 10,000"
    assert measured == "100 MiB, +10.0 MiB over 3,000 requests"
    _, measured = judged(same, ask, requests=1_000_000, seconds=0.05)
    assert next(count) < 1_000_000
    assert measured.endswith(" requests of 1,000,000, in 0.05 s")


def test_growth_over_all_the_requests_is_what_it_is_however_small() -> None:
    looks = [{1: 90 * MIB}, {1: 96 * MIB}]
    assert judged(looks, requests=10_000, growth_mib=5.0)[0] is False
    assert judged(looks, requests=9_000, growth_mib=5.0)[0] is True, "6 MiB may be noise"


def test_a_leak_ends_the_requests_before_it_fills_the_machine() -> None:
    held = [90 * MIB]

    def leak() -> None:
        held[0] += MIB

    limits = MemoryLimits(
        measure=lambda: {1: held[0]}, requests=10_000, seconds=30.0, budget_mib=0, growth_mib=128.0
    )
    memory = Memory(limits)
    memory.begin(lambda: None)
    gate = memory.gate(leak)
    assert gate.passed is False
    assert held[0] < (90 + 128 + 2 * LOOK_REQUESTS) * MIB
    memory.begin(lambda: None)
    with pytest.raises(Grown, match=r"after 200 requests: .* by 200\.0 MiB"):
        for _ in range(10_000):  # those of the test latency
            leak()
            memory.count()


def test_what_is_allocated_once_for_several_requests_at_a_time_is_no_growth() -> None:
    """A process that has one buffer of 30 MiB for each request that it has at the same time."""
    lock, now, most = threading.Lock(), [0], [1]

    def ask() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.001)
        with lock:
            now[0] -= 1

    memory = Memory(
        MemoryLimits(
            measure=lambda: {1: 30 * MIB * most[0]},
            requests=100,
            seconds=30.0,
            budget_mib=0,
            growth_mib=50.0,
        )
    )
    memory.begin(ask)
    gate = memory.gate(ask)
    assert gate.passed is True, gate.measured
    assert most[0] > 1
    assert gate.measured == f"{30 * most[0]} MiB, +0.0 MiB over 100 requests"


def test_an_interrupt_ends_the_requests_at_once() -> None:
    limits = MemoryLimits(
        measure=lambda: {1: MIB}, requests=1 << 40, seconds=60.0, budget_mib=0, growth_mib=128.0
    )
    memory, asked = Memory(limits), itertools.count()

    def ask() -> None:
        if next(asked) == 50:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    # Workers of the tests ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            memory.gate(ask)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 30


def test_all_processes_gone_is_a_failure_and_not_something_that_nobody_knows() -> None:
    assert judged([{1: 90 * MIB}, {}]) == (False, "a process ended within 1,000 requests")


def test_growth_is_over_the_requests_that_the_test_latency_has_sent() -> None:
    same = [{1: 90 * MIB}, {1: 104 * MIB}]
    assert judged(same, counted=1005) == (False, "104 MiB, +14.0 MiB over 1,005 requests")
    assert judged(same, counted=3005) == (True, "104 MiB, +14.0 MiB over 3,005 requests")


def test_requests_that_the_test_latency_has_not_sent_are_sent_by_this_one() -> None:
    asked: list[None] = []
    _, measured = judged([{1: MIB}, {1: MIB}], lambda: asked.append(None), counted=3)
    assert (len(asked), measured) == (997, "1 MiB, +0.0 MiB over 1,000 requests")


def test_a_version_that_stops_answering_has_failed_with_the_reason() -> None:
    def ask() -> None:
        raise Unavailable("The gateway does not answer.")

    passed, measured = judged([{1: MIB}, {1: MIB}], ask, requests=2000)
    assert not passed
    assert measured.startswith("after 1,000 requests: The gateway does not answer.")


@pytest.mark.parametrize(
    ("status", "answered_by"), [(503, "v2"), (200, "v1")], ids=["refused", "by another version"]
)
def test_a_request_that_the_version_does_not_answer_is_none_of_its_requests(
    monkeypatch: pytest.MonkeyPatch, status: int, answered_by: str
) -> None:
    body = {"data": {"ndarray": [0.5]}}
    answer = client.Answer(status, answered_by, body, 1.0)
    monkeypatch.setattr(client, "post", lambda *_, **__: answer)
    monkeypatch.setattr(gates, "sample_body", lambda *_: {})
    subject: Any = SimpleNamespace(url="", bundle=None, keys=None, version="v2")
    passed, measured = judged(
        [{1: MIB}, {1: MIB}], lambda: gates._first_row(subject), requests=2000, counted=1005
    )
    assert not passed
    assert measured.startswith("after 1,005 requests: ")
