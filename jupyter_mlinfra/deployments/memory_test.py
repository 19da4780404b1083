"""The test before traffic *memory*: whether the processes of a version keep their budget, and
whether they grow with the requests that they answer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ..core.errors import MLInfraError, Unprocessable
from .spec import Gate

PER_REQUESTS = 10_000
NOISE_BYTES = 8 << 20
"""Growth below it, over fewer requests than 10,000, is what an allocator keeps: it is not taken for
a tenfold one over all of them.
"""

LOOK_REQUESTS = 100
"""After so many one looks, so that a model that leaks is stopped soon: before it has filled the
memory of the machine, unless it keeps very much of each request.
"""

CLIENTS = 4
WARM_REQUESTS = 200
WARM_SECONDS = 5.0
"""What processes allocate once, for several requests at a time, is no growth: they are asked by all
clients before the first measurement, at most for so long.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimits:
    """measure: bytes of each process now, by its number. requests: over which growth is judged,
    those beyond the test *latency* sent within `seconds`. budget_mib: of one process; 0 = none.
    growth_mib: of all over 10,000 requests.
    """

    measure: Callable[[], Mapping[int, int]]
    requests: int
    seconds: float
    budget_mib: float
    growth_mib: float

    def __str__(self) -> str:
        growth = f"growth at most {self.growth_mib:g} MiB over {PER_REQUESTS:,} requests"
        return f"a process at most {self.budget_mib:g} MiB, {growth}" if self.budget_mib else growth


class Grown(Unprocessable):
    """The processes have grown by more than they may."""


class Memory:
    """One such test. The requests of the test *latency* are a part of it, so it is told of them."""

    def __init__(self, limits: MemoryLimits) -> None:
        self._limits = limits
        self._before: Mapping[int, int] = {}
        self._sent = 0
        self._grown = False
        self._lock = threading.Lock()

    def begin(self, ask: Callable[[], None]) -> None:
        """Measure what the processes use once they are warm."""
        with contextlib.suppress(MLInfraError):  # the tests that follow say it
            _from_clients(ask, WARM_REQUESTS, min(WARM_SECONDS, self._limits.seconds))
        self._before, self._sent, self._grown = self._limits.measure(), 0, False

    def count(self) -> None:
        """A request has been answered since it began. Raises Grown if that was one too many."""
        with self._lock:
            self._sent += 1
            if self._sent % LOOK_REQUESTS:
                return
            growth = _growth(self._before, self._limits.measure())
            limit = self._limits.growth_mib * (1 << 20) * max(1.0, self._sent / PER_REQUESTS)
            if growth > max(limit, NOISE_BYTES):
                self._grown = True
                raise Grown(
                    f"It was ended after {self._sent:,} requests: the processes had grown by"
                    f" {growth / (1 << 20):.1f} MiB."
                )

    def gate(self, ask: Callable[[], None]) -> Gate:
        """Judge, after further requests up to those that the settings want."""
        further = 0 if self._grown else max(0, self._limits.requests - self._sent)
        try:
            _from_clients(partial(self._ask_and_count, ask), further, self._limits.seconds)
        except Grown:
            pass  # the figures below say it
        except MLInfraError as error:
            return self._gate(f"after {self._sent:,} requests: {error}"[:500], passed=False)
        after, limits = self._limits.measure(), self._limits
        if not any(self._before.values()) and not any(after.values()):
            return self._gate("nobody knows: no process of it is on this machine", passed=None)
        if set(after) != set(self._before):
            return self._gate(f"a process ended within {self._sent:,} requests", passed=False)
        largest, growth = max(after.values()), _growth(self._before, after)
        over = max(0, growth) * PER_REQUESTS / max(1, self._sent)
        kept = not limits.budget_mib or largest <= limits.budget_mib * (1 << 20)
        noise = growth <= NOISE_BYTES and self._sent < PER_REQUESTS
        grew = not noise and over > limits.growth_mib * (1 << 20)
        used = f"{largest / (1 << 20):.0f} MiB, {growth / (1 << 20):+.1f} MiB"
        return self._gate(f"{used} over {self._requests()}", passed=kept and not grew)

    def _ask_and_count(self, ask: Callable[[], None]) -> None:
        ask()
        self.count()

    def _requests(self) -> str:
        wanted = self._limits.requests
        if self._grown or self._sent >= wanted:
            return f"{self._sent:,} requests{', where it was ended' if self._grown else ''}"
        return f"{self._sent:,} requests of {wanted:,}, in {self._limits.seconds:g} s"

    def _gate(self, measured: str, *, passed: bool | None) -> Gate:
        return Gate(name="memory", limit=str(self._limits), measured=measured, passed=passed)


def _from_clients(ask: Callable[[], None], requests: int, seconds: float) -> None:
    """Ask so often, from several clients, until the time is over. The first error ends them all and
    is raised; so does an interrupt.
    """
    deadline, ended = time.monotonic() + seconds, threading.Event()
    left = threading.Semaphore(requests)

    def client() -> None:
        try:
            while time.monotonic() < deadline and not ended.is_set() and left.acquire(False):
                ask()
        except BaseException:
            ended.set()
            raise

    with ThreadPoolExecutor(CLIENTS) as clients:
        try:
            for each in [clients.submit(client) for _ in range(CLIENTS)]:
                each.result()
        except BaseException:
            ended.set()  # the executor waits for them
            raise


def _growth(before: Mapping[int, int], after: Mapping[int, int]) -> int:
    """Bytes, of the processes that are in both."""
    return sum(after[number] - before[number] for number in after.keys() & before.keys())
