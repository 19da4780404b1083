"""The test before traffic *memory*: whether the processes of a version keep their budget, and
whether they grow with the requests that they answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..core.errors import MLInfraError
from .spec import Gate

PER_REQUESTS = 10_000
NOISE_BYTES = 8 << 20
"""Growth below it is what an allocator keeps, whatever it would make of 10,000 requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimits:
    """measure: bytes of each process now, by its number. requests: over which growth is judged at
    least, those beyond the test *latency* sent within `seconds`. budget_mib: of one process; 0 =
    none. growth_mib: of all over 10,000 requests.
    """

    measure: Callable[[], Mapping[int, int]]
    requests: int
    seconds: float
    budget_mib: float
    growth_mib: float

    def __str__(self) -> str:
        growth = f"growth at most {self.growth_mib:g} MiB over {PER_REQUESTS:,} requests"
        return f"a process at most {self.budget_mib:g} MiB, {growth}" if self.budget_mib else growth


class Memory:
    """One such test. The requests of the test *latency* are a part of it, so it is told of them."""

    def __init__(self, limits: MemoryLimits) -> None:
        self._limits = limits
        self._before: Mapping[int, int] = {}
        self._sent = 0

    def begin(self) -> None:
        """The version is warm: the tests before this one have asked it."""
        self._before, self._sent = self._limits.measure(), 0

    def count(self) -> None:
        """A request has been sent since it began."""
        self._sent += 1

    def gate(self, ask: Callable[[], None]) -> Gate:
        """Judge, after further requests if the settings want them."""
        limits = self._limits
        deadline = time.monotonic() + limits.seconds
        while self._sent < limits.requests and time.monotonic() < deadline:
            try:
                ask()
            except MLInfraError as error:
                return self._gate(f"after {self._sent:,} requests: {error}"[:500], passed=False)
            self.count()
        after = limits.measure()
        if not after:
            return self._gate("nobody knows: no process of it is here", passed=True)
        if set(after) != set(self._before):
            return self._gate(f"a process ended within {self._sent:,} requests", passed=False)
        largest, growth = max(after.values()), sum(after.values()) - sum(self._before.values())
        over = max(0, growth) * PER_REQUESTS / max(1, self._sent)
        kept = not limits.budget_mib or largest <= limits.budget_mib * (1 << 20)
        grew = growth > NOISE_BYTES and over > limits.growth_mib * (1 << 20)
        used = f"{largest / (1 << 20):.0f} MiB, {growth / (1 << 20):+.1f} MiB"
        return self._gate(f"{used} over {self._requests()}", passed=kept and not grew)

    def _requests(self) -> str:
        wanted = self._limits.requests
        late = f", of the {wanted:,} that were wanted" if self._sent < wanted else ""
        return f"{self._sent:,} requests{late}"

    def _gate(self, measured: str, *, passed: bool) -> Gate:
        return Gate(name="memory", limit=str(self._limits), measured=measured, passed=passed)
