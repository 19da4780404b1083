"""How a deployment answers under a steady load."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ..core.errors import BadRequest, MLInfraError, Unavailable
from . import client
from .spec import Measurement

WARM_UP = 5
MOST_THREADS = 32


def measure(url: str, body: bytes, *, seconds: float, rate: float, version: str | None = None) -> Measurement:
    """Ask `url` at `rate` requests a second for `seconds`, at fixed times however long the answers take.

    The requests are marked as probes: they are not in the payload log. Raises Unavailable when not one is answered.
    """
    if not (0 < seconds <= 600 and 0 < rate <= 10_000):
        raise BadRequest(f"A load of {rate:g} requests/s for {seconds:g} s cannot be made.", fix="Use up to 10,000 requests/s and up to 600 s.")
    for _ in range(WARM_UP):
        client.post(url, body, version=version, probe=True)
    total = max(1, round(seconds * rate))
    taken: list[float] = []
    failed = 0
    lock, numbers = threading.Lock(), iter(range(total))
    begun = time.perf_counter()

    def ask() -> None:
        nonlocal failed
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = begun + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                good = client.post(url, body, version=version, probe=True).status == 200
            except MLInfraError:
                good = False
            with lock:
                taken.append((time.perf_counter() - due) * 1000)
                failed += not good

    crowd = [threading.Thread(target=ask, daemon=True) for _ in range(min(MOST_THREADS, total))]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    if failed == total:
        raise Unavailable("The deployment cannot be measured.", f"None of {total} requests was answered.", "mlinfra deployments show tells how it is.")
    took = time.perf_counter() - begun
    taken.sort()
    return Measurement(
        seconds=took,
        rate=(total - failed) / max(took, (total - 1) / rate),
        requests=total,
        failed=failed,
        p50_ms=_at(taken, 0.50),
        p95_ms=_at(taken, 0.95),
        p99_ms=_at(taken, 0.99),
    )


def sequence(url: str, body: bytes, count: int, *, version: str | None = None) -> list[float]:
    """Milliseconds of `count` requests, one after the other. Raises what a refused request stands for."""
    taken = []
    for _ in range(count):
        answer = client.post(url, body, version=version, probe=True)
        client.prediction(answer, version=version)
        taken.append(answer.milliseconds)
    return taken


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of `values` does not pass."""
    return _at(sorted(values), share)
