"""What is said of a latency: how many requests it is of, and that a few slow ones do not hide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra import readiness
from jupyter_mlinfra.core.card import ProjectCard, Targets
from jupyter_mlinfra.core.domains import domains
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.records import page_of
from jupyter_mlinfra.deployments import client, measuring
from jupyter_mlinfra.deployments.gateway import Keys

KEYS = Keys(probe="ours")
OK = {"data": {"names": [], "ndarray": [0.5]}, "meta": {}}


def answer_in(
    monkeypatch: pytest.MonkeyPatch, milliseconds: Iterator[float], status: int = 200
) -> list[float]:
    """Have the gateway answer in these times; what was taken so far comes back."""
    taken: list[float] = []

    def post(url: str, body: bytes, **_: Any) -> client.Answer:
        taken.append(next(milliseconds))
        return client.Answer(status, "v1", OK if status == 200 else None, taken[-1])

    monkeypatch.setattr(client, "post", post)
    return taken


def times(slow: int) -> Iterator[float]:
    """Warm-up, then rounds of 1,000 requests of which `slow` take 500 ms and the others 1 to 2
    ms.
    """
    yield from [9000.0] * measuring.WARM_UP
    while True:
        yield from [500.0] * slow
        yield from [1 + index / 1000 for index in range(1000 - slow)]


@pytest.mark.parametrize(("slow", "met"), [(0, True), (10, True), (11, False), (50, False)])
def test_one_request_in_a_hundred_may_be_slow_and_no_more(
    monkeypatch: pytest.MonkeyPatch, slow: int, met: bool
) -> None:
    taken = answer_in(monkeypatch, times(slow))
    told: list[int] = []
    found = measuring.latency(
        "http://gateway", b"", at_most_ms=100, keys=KEYS, on_answer=lambda: told.append(1)
    )
    assert (found.p99_ms <= 100) is met
    assert found.p99_ms == (500.0 if slow > 10 else pytest.approx(1.989))
    assert len(told) == len(taken), "each request is counted, those of the warm-up included"
    # Further rounds only when one was missed.
    assert len(taken) == measuring.WARM_UP + 1000 * (1 if met else 3)
    assert f"{found}" == f"p99 {found.p99_ms:.1f} ms over 1,000 requests" + (
        "" if met else ", best of 3 rounds"
    )


@pytest.mark.parametrize(
    ("every", "at_most_ms", "said", "asked"),
    [
        # Hopeless: no further round.
        ([900.0], 100, "p99 900.0 ms over 23 requests in 20 s", 23),
        ([900.0], 1000, "p99 900.0 ms over 23 requests in 20 s", 23),
        # Some are in time, so the machine may be busy.
        ([905.0, 50.0, 50.0], 100, "p99 905.0 ms over 59 requests in 20 s, best of 3 rounds", 179),
    ],
    ids=["too slow", "slow but in time", "now and then"],
)
def test_slow_answers_are_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, every: list[float], at_most_ms: float, said: str, asked: int
) -> None:
    taken = answer_in(monkeypatch, cycle(every))
    clock = SimpleNamespace(monotonic=lambda: sum(taken) / 1000)
    monkeypatch.setattr(measuring, "time", clock)
    found = measuring.latency("http://gateway", b"", at_most_ms=at_most_ms, keys=KEYS)
    assert str(found) == said
    assert len(taken) == measuring.WARM_UP + asked


def test_a_deployment_that_does_not_answer_has_no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_in(monkeypatch, iter([1.0] * 10), status=503)
    with pytest.raises(Unavailable):
        measuring.latency("http://gateway", b"", at_most_ms=100, keys=KEYS)


def asked(live: Sequence[str], *, named: str = "", rate: float = 20.0, **verbs: Any) -> Any:
    """A workbench with deployments that are live, and a card with a latency and a volume."""
    deployments = SimpleNamespace(
        list=partial(page_of, [SimpleNamespace(name=name, state="healthy") for name in live]),
        **verbs,
    )
    card = ProjectCard(
        deployment=named, targets=Targets(latency_p99_ms=100.0, requests_per_second=rate)
    )
    return SimpleNamespace(
        deployments=deployments, project=SimpleNamespace(settings=SimpleNamespace(project=card))
    )


def test_readiness_says_what_the_test_before_traffic_says(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_in(monkeypatch, times(11))
    measured = SimpleNamespace(rate=19.9, failed=0, requests=100, client_slow=False)
    workbench = asked(
        ["flights"],
        latency=lambda name, at_most_ms: measuring.latency(
            "http://gateway", b"", at_most_ms=at_most_ms, keys=KEYS
        ),
        measure=lambda name, seconds, rate: measured,
    )
    latency, volume = readiness.check(workbench, domains())
    assert (latency.verdict, latency.limit, latency.measured) == (
        "missed",
        "p99 at most 100 ms for one row",
        "p99 500.0 ms over 1,000 requests, best of 3 rounds",
    )
    assert (volume.verdict, volume.measured) == ("met", "20 requests/s answered, 0 of 100 failed")


def busy(seconds: float) -> None:
    """Use the processor, and the interpreter's lock, for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.mark.parametrize(
    ("work", "verdict"),
    [
        pytest.param(lambda: busy(0.02), "unknown", id="client", marks=pytest.mark.slow),
        pytest.param(lambda: time.sleep(0.5), "missed", id="server"),
    ],
)
def test_a_volume_the_client_cannot_make_is_unknown_and_one_the_server_cannot_answer_is_missed(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[], None], verdict: str
) -> None:
    def post(url: str, body: bytes, **_: Any) -> client.Answer:
        work()
        return client.Answer(200, "v1", OK, 1.0)

    monkeypatch.setattr(client, "post", post)
    monkeypatch.setattr(measuring, "WARM_UP", 0)
    workbench = asked(
        ["flights"],
        rate=200.0,
        latency=lambda name, at_most_ms: measuring.Latency(p99_ms=1.0, requests=1000, rounds=1),
        measure=lambda name, seconds, rate: measuring.measure(
            "http://gateway", b"", seconds=2.0, rate=rate, keys=KEYS
        ),
    )
    _, volume = readiness.check(workbench, domains())
    assert (volume.target, volume.verdict) == ("volume of flights", verdict)
    assert ("the measuring client was too slow" in volume.measured) is (verdict == "unknown")
    assert bool(volume.fix) is (verdict == "unknown")


@pytest.mark.parametrize(("failed", "verdict"), [(0, "unknown"), (1, "missed")])
def test_a_slow_client_hides_no_failed_request(failed: int, verdict: str) -> None:
    figures = SimpleNamespace(rate=3.0, failed=failed, requests=100, client_slow=True)
    workbench = asked(
        ["flights"],
        latency=lambda *_, **__: measuring.Latency(p99_ms=1.0, requests=1000, rounds=1),
        measure=lambda *_, **__: figures,
    )
    assert readiness.check(workbench, domains())[1].verdict == verdict


def test_what_cannot_be_measured_is_unknown_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any, **__: Any) -> Any:
        raise Unavailable("The gateway does not answer.", "Nothing listens.", "mlinfra up")

    monkeypatch.setattr(client, "post", silent)
    workbench = asked(
        ["flights"],
        latency=lambda name, at_most_ms: measuring.latency(
            "http://gateway", b"", at_most_ms=at_most_ms, keys=KEYS
        ),
        measure=lambda name, seconds, rate: measuring.measure(
            "http://gateway", b"", seconds=0.1, rate=rate, keys=KEYS
        ),
    )
    latency, volume = readiness.check(workbench, domains())
    assert (latency.target, latency.verdict, latency.measured, latency.fix) == (
        "latency of flights",
        "unknown",
        "The gateway does not answer. Nothing listens.",
        "mlinfra up",
    )
    assert (volume.target, volume.limit, volume.verdict) == (
        "volume of flights",
        "20 requests/s",
        "unknown",
    )
    workbench.deployments.list = silent
    (nothing,) = readiness.check(workbench, domains())
    assert (nothing.target, nothing.verdict, nothing.measured) == (
        "live deployment",
        "unknown",
        "The gateway does not answer. Nothing listens.",
    )


def test_the_deployment_that_the_card_names_is_measured_and_of_several_none_is_guessed() -> None:
    def measure(name: str, **_: Any) -> Any:
        return SimpleNamespace(
            rate=20.0, failed=0, requests=100, p99_ms=len(name), client_slow=False
        )

    names = ["churn", "flights", "weather"]
    checks = readiness.check(
        asked(names, named="flights", latency=measure, measure=measure), domains()
    )
    assert [check.target for check in checks] == ["latency of flights", "volume of flights"]
    (unnamed,) = readiness.check(asked(names, latency=measure, measure=measure), domains())
    assert (unnamed.verdict, unnamed.measured) == ("unknown", "3 deployments are healthy")
    assert unnamed.fix == 'Name one in mlinfra.toml: [project] deployment = "churn"'
    (gone,) = readiness.check(
        asked(names, named="trains", latency=measure, measure=measure), domains()
    )
    assert (gone.verdict, gone.measured) == ("unknown", "trains is not healthy")


def test_the_setting_takes_what_can_be_measured_and_no_more() -> None:
    assert Targets(requests_per_second=10_000).requests_per_second == 10_000
    with pytest.raises(ValueError, match="10000"):
        Targets(requests_per_second=10_001)
