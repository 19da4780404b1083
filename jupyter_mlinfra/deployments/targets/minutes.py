"""The requests of each version in each of the last minutes, from counters that only grow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

MINUTE = 60
MINUTES = 60

Key = tuple[str, str]
"""Deployment and version."""


@dataclass(slots=True)
class _Counted:
    """total: at the last look. begun: the minute of the first one."""

    total: int
    begun: int
    by_minute: dict[int, int] = field(default_factory=dict)


class Minutes:
    """What one keeper has counted since it began."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Counted] = {}

    def count(self, key: Key, total: int, at: float) -> Sequence[int]:
        """Note how many requests a version has answered in all, at this time in seconds since 1970;
        returns those of each of the last 60 minutes, the present one last, or of fewer since the
        first look.
        """
        minute = int(at // MINUTE)
        kept = self._kept.setdefault(key, _Counted(total, minute))
        # A total below the last one is that of a counter that has begun anew.
        added = total - kept.total if total >= kept.total else total
        kept.total = total
        kept.by_minute[minute] = kept.by_minute.get(minute, 0) + added
        first = max(kept.begun, minute - MINUTES + 1)
        kept.by_minute = {at: count for at, count in kept.by_minute.items() if at >= first}
        return [kept.by_minute.get(at, 0) for at in range(first, minute + 1)]

    def keep(self, known: Collection[Key]) -> None:
        """Forget all other versions."""
        for key in set(self._kept) - set(known):
            del self._kept[key]
