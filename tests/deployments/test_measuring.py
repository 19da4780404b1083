"""What is said of a latency: how many requests it is of, and that a few slow ones do not hide."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra import readiness
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.deployments import client, measuring

OK = {"data": {"names": [], "ndarray": [0.5]}, "meta": {}}


def answer_in(monkeypatch: pytest.MonkeyPatch, milliseconds: Iterator[float], status: int = 200) -> list[float]:
    """Have the gateway answer in these times; what was taken so far comes back."""
    taken: list[float] = []

    def post(url: str, body: bytes, **_: Any) -> client.Answer:
        taken.append(next(milliseconds))
        return client.Answer(status, "v1", OK if status == 200 else None, taken[-1])

    monkeypatch.setattr(client, "post", post)
    return taken


def times(slow: int) -> Iterator[float]:
    """Warm-up, then rounds of 1,000 requests of which `slow` take 500 ms and the others 1 to 2 ms."""
    yield from [9000.0] * measuring.WARM_UP
    while True:
        yield from [500.0] * slow
        yield from [1 + place / 1000 for place in range(1000 - slow)]


@pytest.mark.parametrize(("slow", "met"), [(0, True), (10, True), (11, False), (50, False)])
def test_one_request_in_a_hundred_may_be_slow_and_no_more(monkeypatch: pytest.MonkeyPatch, slow: int, met: bool) -> None:
    taken = answer_in(monkeypatch, times(slow))
    found = measuring.latency("http://gateway", b"", at_most_ms=100)
    assert (found.p99_ms <= 100) is met
    assert found.p99_ms == (500.0 if slow > 10 else pytest.approx(1.989))
    assert len(taken) == measuring.WARM_UP + 1000 * (1 if met else 3)  # further rounds only when one was missed
    assert f"{found}" == f"p99 {found.p99_ms:.1f} ms over 1,000 requests" + ("" if met else ", best of 3 rounds")


def test_a_deployment_that_does_not_answer_has_no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_in(monkeypatch, iter([1.0] * 10), status=503)
    with pytest.raises(Unavailable):
        measuring.latency("http://gateway", b"", at_most_ms=100)


def test_readiness_says_what_the_test_before_traffic_says(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_in(monkeypatch, times(11))
    measured = SimpleNamespace(rate=19.9, failed=0, requests=100)
    deployments = SimpleNamespace(
        list=lambda limit: SimpleNamespace(items=[SimpleNamespace(name="flights", state="healthy")]),
        latency=lambda name, at_most_ms: measuring.latency("http://gateway", b"", at_most_ms=at_most_ms),
        measure=lambda name, seconds, rate: measured,
    )
    card = SimpleNamespace(deployment="", targets=SimpleNamespace(latency_p99_ms=100.0, requests_per_second=20.0))
    workbench: Any = SimpleNamespace(deployments=deployments, project=SimpleNamespace(settings=SimpleNamespace(project=card)))
    latency, volume = readiness._deployment(workbench)
    assert (latency.verdict, latency.limit, latency.measured) == (
        "missed",
        "p99 at most 100 ms for one row",
        "p99 500.0 ms over 1,000 requests, best of 3 rounds",
    )
    assert (volume.verdict, volume.measured) == ("met", "20 requests/s answered, 0 of 100 failed")
