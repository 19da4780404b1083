"""How long to wait before something that failed is tried again: each time twice as long."""

from __future__ import annotations

import time
from collections.abc import Iterable


class Patience:
    """Counts failures by name. first, most: seconds. A new process starts from zero, which only
    means that it tries soon.
    """

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._times = dict[str, int]()
        self._due = dict[str, float]()

    def again(self, name: str) -> float:
        """It failed once more; returns seconds until the next try."""
        times = self._times[name] = self._times.get(name, 0) + 1
        delay = float(min(self._most, self._first * 2 ** min(times - 1, 30)))
        self._due[name] = time.monotonic() + delay
        return delay

    def times(self, name: str) -> int:
        """How often it failed."""
        return self._times.get(name, 0)

    def due(self, name: str) -> bool:
        """Whether it is time to try it."""
        return time.monotonic() >= self._due.get(name, 0.0)

    def forget(self, names: Iterable[str]) -> None:
        """They worked, or no longer matter."""
        for name in names:
            self._times.pop(name, None)
            self._due.pop(name, None)
