"""When the supervisor explains why jobs wait: not in every round of a fast queue."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..queue.store import JobStore

EXPLAIN_SECONDS = 0.5
EXPLAIN_SHARE = 0.05
"""Share of the supervisor's time for explaining why jobs wait."""


class Explanations:
    """Records why jobs wait, and when that may be done again."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._at: float | None = None
        self._from = 0.0

    def due(self) -> float | None:
        """When reasons that were left out are to be recorded, in monotonic seconds."""
        return self._at

    def begin(self) -> bool:
        """A round begins; returns whether reasons may be recorded in it."""
        self._at = None
        return time.monotonic() >= self._from

    def postpone(self) -> None:
        """Reasons were left out in this round."""
        self._at = self._from

    def record(self, reasons: Mapping[str, str]) -> None:
        """Record the reasons of jobs."""
        started = time.monotonic()
        self._store.explain(reasons)
        seconds = time.monotonic() - started
        self._from = started + max(EXPLAIN_SECONDS, seconds / EXPLAIN_SHARE)
