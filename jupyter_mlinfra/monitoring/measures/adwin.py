"""ADWIN: notices, while values come one by one, that their mean has changed.

Source: Bifet and Gavaldà, Learning from time-changing data with adaptive windowing (SDM 2007),
ADWIN2: the window is kept in an exponential histogram of buckets, and is cut wherever its two parts
have means that differ by more than chance allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

_PER_LEVEL = 5
"""Buckets of one size; one more, and two of them are joined to one of twice the size."""
_EVERY = 32
"""Values between two searches for a cut."""
_LEAST_PART = 5
_LEAST_WINDOW = 10
_JOINED = 4 * _EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of the mean, noticed after `position` values. before, after: means of the part that
    was dropped, and of the part that is kept.
    """

    position: int
    before: float
    after: float


class Adwin:
    """The window. delta: the chance of a false alarm that each search allows. Values are from 0 to
    1.
    """

    def __init__(self, *, delta: float = 0.002) -> None:
        self._delta = delta
        # Newest first, level by level: [sum, variance times count] of buckets of 2**level values.
        self._levels: list[list[tuple[float, float]]] = [[]]
        self._count, self._sum, self._spread = 0, 0.0, 0.0
        self._seen = 0

    def add(self, value: float) -> Change | None:
        """Take the next value; returns the change that it shows, if any."""
        self._seen += 1
        if self._count:
            mean = self._sum / self._count
            self._spread += (value - mean) ** 2 * self._count / (self._count + 1)
        self._levels[0].insert(0, (value, 0.0))
        self._count += 1
        self._sum += value
        self._join()
        if self._seen % _EVERY or self._count < _LEAST_WINDOW:
            return None
        return self._cut()

    def _join(self) -> None:
        for level, buckets in enumerate(self._levels):
            if len(buckets) <= _PER_LEVEL:
                return
            size = 1 << level
            (newer, newer_spread), (older, older_spread) = buckets[-2:]
            del buckets[-2:]
            spread = newer_spread + older_spread + (newer - older) ** 2 / (2 * size)
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].insert(0, (newer + older, spread))

    def _cut(self) -> Change | None:
        found = None
        while self._count >= _LEAST_WINDOW and (cut := self._first_cut()) is not None:
            before = cut if found is None else found.before
            self._drop_oldest()
            found = Change(position=self._seen, before=before, after=self._sum / self._count)
        return found

    def _first_cut(self) -> float | None:
        """The mean of the older part at the first cut between buckets where the parts differ."""
        older_count, older_sum = 0, 0.0
        variance = max(self._spread, 0.0) / self._count
        log = math.log(2 * math.log(self._count) / self._delta)
        for level in range(len(self._levels) - 1, -1, -1):
            for bucket_sum, _ in reversed(self._levels[level]):
                older_count += 1 << level
                older_sum += bucket_sum
                newer_count = self._count - older_count
                if newer_count < _LEAST_PART:
                    return None
                if older_count < _LEAST_PART:
                    continue
                older = older_sum / older_count
                apart = abs(older - (self._sum - older_sum) / newer_count)
                harmonic = 1 / (older_count - _LEAST_PART + 1) + 1 / (newer_count - _LEAST_PART + 1)
                if apart > math.sqrt(2 * harmonic * variance * log) + 2 / 3 * harmonic * log:
                    return older
        return None

    def _drop_oldest(self) -> None:
        level = max(number for number, buckets in enumerate(self._levels) if buckets)
        size = 1 << level
        bucket_sum, spread = self._levels[level].pop()
        mean, rest = bucket_sum / size, self._count - size
        self._count, self._sum = rest, self._sum - bucket_sum
        if rest:
            apart = mean - self._sum / rest
            self._spread -= spread + size * rest / (size + rest) * apart * apart
        else:
            self._spread = 0.0


def changes(values: Iterable[float], *, delta: float = 0.002) -> list[Change]:
    """The changes that a sequence of values from 0 to 1 shows. After a large change the oldest
    values are dropped little by little: what is found soon after each other is one change.
    """
    window, found = Adwin(delta=delta), list[Change]()
    last = -_JOINED - 1
    for change in filter(None, map(window.add, values)):
        if change.position - last <= _JOINED:
            found[-1] = replace(found[-1], after=change.after)
        else:
            found.append(change)
        last = change.position
    return found
