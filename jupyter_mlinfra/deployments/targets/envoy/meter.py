"""Figures of the versions, from Envoy's counters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest

from .. import Figures
from .admin import latencies, statistics
from .configuration import BUCKETS
from .names import PROBES

WINDOW_SECONDS = 60.0
MARKS = 16
"""Marks of a version that are kept, the newest: a step of a plan is judged from its own on."""


@dataclass(frozen=True, slots=True)
class _Count:
    """total: of all requests; the other fields exclude our own tests and measurements. refused and
    errors: answers of the 4xx and the 5xx range; ok: the others.
    """

    at: float
    total: int
    ok: int
    refused: int
    errors: int
    buckets: Sequence[int]

    @property
    def requests(self) -> int:
        """All of them."""
        return self.ok + self.refused + self.errors


class Meter:
    """Differences of the Envoys' counters over a sliding window, for the requests of clients."""

    def __init__(self) -> None:
        self._counts: dict[str, deque[_Count]] = {}
        self._last: dict[str, Figures] = {}
        self._read: dict[tuple[int, str], _Count] = {}
        self._ended: dict[str, _Count] = {}
        self._marks: dict[str, deque[tuple[float, Sequence[int]]]] = {}
        self._changed = False

    def read(self, clusters: Sequence[str], *, mark: bool = False) -> dict[str, Figures]:
        """Read the counters now; returns figures by cluster. If an Envoy does not answer they stay
        as they were: that is not a count of 0. mark: the traffic has changed; the first reading
        after that is kept.
        """
        self._changed |= mark
        counters = "upstream_rq_(completed|4xx|5xx)$"
        all_requests = statistics(f"^cluster\\.[^.]+\\.[^.]+\\.{counters}")
        # After the total, because a probe that ends in between must not look like a client.
        probes = statistics(f"^cluster\\.[^.]+\\.[^.]+\\.{PROBES}\\.{counters}")
        buckets = latencies()
        if all_requests is not None and probes is not None and buckets is not None:
            found = {
                number: ({**counts, **probes.get(number, {})}, buckets.get(number, {}))
                for number, counts in all_requests.items()
            }
            for name in clusters:
                self._add(name, self._total(name, found), mark=self._changed)
            self._changed = False
        for name in set(self._last) - set(clusters):
            self._counts.pop(name, None)
            self._last.pop(name, None)
            self._marks.pop(name, None)
        return dict(self._last)

    def counts(self, name: str) -> tuple[int, int, int, Sequence[int]] | None:
        """Of the clients of a cluster, since the first Envoy was started: requests, refused, errors
        and latencies. None before the first reading.
        """
        if not self._counts.get(name):
            return None
        last = self._counts[name][-1]
        return last.requests, last.refused, last.errors, last.buckets

    def _total(
        self,
        name: str,
        found: Mapping[int, tuple[Mapping[str, str], Mapping[str, Sequence[int]]]],
    ) -> _Count:
        """The sum over all Envoys, including what those had counted that were started again."""
        for number, (counters, buckets) in found.items():
            count, last = _count(name, counters, buckets), self._read.get((number, name))
            if last is not None and last.total > count.total:
                self._ended[name] = _sum([self._ended.get(name), last])
            self._read[number, name] = count
        counts = [count for (_, cluster), count in self._read.items() if cluster == name]
        return _sum([self._ended.get(name), *counts])

    def _add(self, name: str, count: _Count, *, mark: bool) -> None:
        counts = self._counts.setdefault(name, deque())
        # Lower by a probe that ended between the two readings; the next reading is right again.
        if counts:
            count = _not_below(counts[-1], count)
        counts.append(count)
        marks = self._marks.setdefault(name, deque(maxlen=MARKS))
        if mark or not marks:
            marks.append((count.at, count.buckets))
        while len(counts) > 2 and count.at - counts[1].at >= WINDOW_SECONDS:
            counts.popleft()
        first, last = counts[0], self._last.get(name)
        seconds, requests = count.at - first.at, count.requests - first.requests
        readings = [(item.at, item.requests, item.errors, item.refused) for item in counts]
        if not requests:
            p50, p95 = (last.p50_ms, last.p95_ms) if last else (None, None)
            self._last[name] = Figures(
                seconds=seconds,
                since=first.at,
                requests=0,
                errors=0,
                p50_ms=p50,
                p95_ms=p95,
                readings=readings,
                marks=[*marks],
            )
            return
        first_buckets = first.buckets or [0] * len(count.buckets)
        # None if Envoy has no histogram of it yet.
        in_window = [now - then for now, then in zip(count.buckets, first_buckets, strict=False)]
        errors = count.errors - first.errors
        self._last[name] = Figures(
            seconds=seconds,
            since=first.at,
            requests=requests,
            errors=errors,
            refused=count.refused - first.refused,
            p50_ms=quantile(in_window, 0.5),
            p95_ms=quantile(in_window, 0.95),
            readings=readings,
            marks=[*marks],
        )


def _count(name: str, counters: Mapping[str, str], buckets: Mapping[str, Sequence[int]]) -> _Count:
    """What clients have requested from a cluster since Envoy was started: all requests without the
    probes.
    """
    probes = f"{name}.{PROBES}"
    requests, refused, errors = (
        _counter(counters, name, counter) - _counter(counters, probes, counter)
        for counter in ("completed", "4xx", "5xx")
    )
    total = buckets.get(name, ())
    clients = [
        max(0, count - probe)
        for count, probe in zip(total, buckets.get(probes) or [0] * len(total), strict=False)
    ]
    return _Count(
        at=time.time(),
        total=_counter(counters, name, "completed"),
        ok=max(0, requests - refused - errors),
        refused=max(0, refused),
        errors=max(0, errors),
        buckets=list(accumulate(clients, max)),
    )


def _not_below(last: _Count, count: _Count) -> _Count:
    """A count that has fallen in nothing, as counters of Prometheus never do."""
    edges = zip_longest(last.buckets, count.buckets, fillvalue=0)
    return replace(
        count,
        ok=max(last.ok, count.ok),
        refused=max(last.refused, count.refused),
        errors=max(last.errors, count.errors),
        buckets=[max(edge) for edge in edges],
    )


def _counter(counters: Mapping[str, str], cluster: str, counter: str) -> int:
    return int(counters.get(f"cluster.{cluster}.upstream_rq_{counter}", 0))


def _sum(counts: Sequence[_Count | None]) -> _Count:
    """Together, at the present time."""
    known = [count for count in counts if count is not None]
    return _Count(
        at=time.time(),
        total=sum(count.total for count in known),
        ok=sum(count.ok for count in known),
        refused=sum(count.refused for count in known),
        errors=sum(count.errors for count in known),
        buckets=[
            sum(edge)
            for edge in zip(*(count.buckets for count in known if count.buckets), strict=True)
        ],
    )


def quantile(cumulative: Sequence[int], share: float) -> float | None:
    """Latency in ms below which a share `share` of the requests was answered, interpolated within a
    bucket of `BUCKETS`.
    """
    total = cumulative[-1] if cumulative else 0
    if not total:
        return None
    below, lower = 0, 0.0
    for upper, count in zip(BUCKETS, cumulative, strict=False):
        if count >= share * total:
            return lower + (upper - lower) * (share * total - below) / max(count - below, 1)
        below, lower = count, float(upper)
    return lower
