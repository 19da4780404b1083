"""How a deployment performs under a steady load."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import BadRequest, MLInfraError, Unavailable
from . import client
from .gateway import Keys
from .spec import Measurement

WARM_UP = 5
CLIENT_SHARE = 0.8
"""A client that computes, or waits for a processor, for this share of the time cannot send faster,
so it would measure itself.
"""

CLIENT_LATE_MS = 20.0
"""A request that was sent this much late, although a thread was waiting to send it, waited for this
machine and not for an answer.
"""

CLIENT_LATE_SHARE = 0.1
MOST_THREADS = 32
LATENCY_REQUESTS = 1000
LATENCY_ROUNDS = 3
"""One round on a busy machine says little; the best of a few counts."""

LATENCY_SECONDS = 20.0
"""A round of slow answers ends after so long, and says on how many requests it rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """p99_ms: of one round of `requests` consecutive one-row requests; the best of `rounds`. Fewer
    than LATENCY_REQUESTS are all that were answered in LATENCY_SECONDS.
    """

    p99_ms: float
    requests: int
    rounds: int

    def __str__(self) -> str:
        best = f", best of {self.rounds} rounds" if self.rounds > 1 else ""
        cut = f" in {LATENCY_SECONDS:g} s" if self.requests < LATENCY_REQUESTS else ""
        noun = "request" if self.requests == 1 else "requests"
        return f"p99 {self.p99_ms:.1f} ms over {self.requests:,} {noun}{cut}{best}"


def measure(
    url: str, body: bytes, *, seconds: float, rate: float, keys: Keys, version: str | None = None
) -> Measurement:
    """Send `rate` requests a second to `url` for `seconds`, at fixed times however long the answers
    take.

    The requests are marked as probes: they appear neither in the payload log nor in the figures of
    the deployment. Raises Unavailable if none is answered.
    """
    if not (0 < seconds <= 600 and 0 < rate <= 10_000):
        raise BadRequest(
            f"A load of {rate:g} requests/s for {seconds:g} s cannot be made.",
            fix="Use up to 10,000 requests/s and up to 600 s.",
        )
    for _ in range(WARM_UP):
        client.post(url, body, keys=keys, version=version, probe=True)
    load = _Load(
        lambda: client.post(url, body, keys=keys, version=version, probe=True),
        max(1, round(seconds * rate)),
        rate,
    )
    load.run()
    if load.failed == load.total:
        raise Unavailable(
            "The deployment cannot be measured.",
            f"None of {load.total} requests was answered.",
            "mlinfra deployments show says how it is.",
        )
    latencies = sorted(load.latencies)
    return Measurement(
        seconds=load.seconds,
        rate=(load.total - load.failed) / max(load.seconds, (load.total - 1) / rate),
        requests=load.total,
        failed=load.failed,
        p50_ms=quantile(latencies, 0.50),
        p95_ms=quantile(latencies, 0.95),
        p99_ms=quantile(latencies, 0.99),
        client_slow=load.worked / load.seconds >= CLIENT_SHARE
        or load.late_requests / load.total >= CLIENT_LATE_SHARE,
    )


class _Load:
    """Many threads that send requests at fixed times. latencies: ms from the time at which a
    request was due to its answer.

    late_requests: how many were sent late although a thread was waiting for their time. worked:
    seconds in which the threads computed, or waited for a processor.
    """

    def __init__(self, send: Callable[[], client.Answer], total: int, rate: float) -> None:
        self._send, self.total, self._rate = send, total, rate
        self.latencies: list[float] = []
        self.failed = self.late_requests = 0
        self.seconds = self.worked = 0.0
        self._lock, self._numbers, self._started_at = threading.Lock(), iter(range(total)), 0.0

    def run(self) -> None:
        """Returns when every request has been answered or has failed."""
        self._started_at = time.perf_counter()
        threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(MOST_THREADS, self.total))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.perf_counter() - self._started_at

    def _work(self) -> None:
        while (number := self._next_number()) is not None:
            due = self._started_at + number / self._rate
            pause = due - time.perf_counter()
            time.sleep(max(0.0, pause))
            sent_late = pause > 0 and (time.perf_counter() - due) * 1000 > CLIENT_LATE_MS
            try:
                answered = self._send().status == 200
            except MLInfraError:
                answered = False
            with self._lock:
                self.latencies.append((time.perf_counter() - due) * 1000)
                self.failed += not answered
                self.late_requests += sent_late
        with self._lock:
            self.worked += _runnable_seconds()

    def _next_number(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)


def _runnable_seconds() -> float:
    """How long this thread has computed, or waited for a processor, since it was started."""
    try:
        ran, waited, _ = Path("/proc/thread-self/schedstat").read_text().split()
    except (OSError, ValueError):  # a kernel that does not record it
        return time.thread_time()
    return (int(ran) + int(waited)) / 1e9


def latency(
    url: str,
    body: bytes,
    *,
    at_most_ms: float,
    keys: Keys,
    version: str | None = None,
    on_answer: Callable[[], None] = lambda: None,
) -> Latency:
    """p99 of a warm deployment, over enough requests that ten of them may be slower, as far as they
    are answered in time: a round ends after LATENCY_SECONDS. Ends with the first round that keeps
    `at_most_ms`, and with a round that was cut if most of it was slower: no busy machine explains
    that. on_answer: called after each request, the first ones, whose time is not taken, included.

    Raises what a refused request stands for.
    """

    def ask() -> float:
        answer = client.post(url, body, keys=keys, version=version, probe=True)
        client.prediction(answer, version=version)
        on_answer()
        return answer.milliseconds

    for _ in range(WARM_UP):
        ask()
    best, rounds, hopeless = Latency(p99_ms=math.inf, requests=0, rounds=0), 0, False
    while best.p99_ms > at_most_ms and rounds < LATENCY_ROUNDS and not hopeless:
        ordered, rounds = _round(ask), rounds + 1
        p99, count = quantile(ordered, 0.99), len(ordered)
        if p99 < best.p99_ms:
            best = Latency(p99_ms=p99, requests=count, rounds=rounds)
        hopeless = count < LATENCY_REQUESTS and quantile(ordered, 0.5) > at_most_ms
    return replace(best, rounds=rounds)


def _round(ask: Callable[[], float]) -> list[float]:
    """Milliseconds of consecutive requests, in ascending order; at least one."""
    until = time.monotonic() + LATENCY_SECONDS
    milliseconds = [ask()]
    while len(milliseconds) < LATENCY_REQUESTS and time.monotonic() < until:
        milliseconds.append(ask())
    return sorted(milliseconds)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
