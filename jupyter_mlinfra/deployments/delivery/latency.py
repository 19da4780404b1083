"""Whether the version of a plan is too slow: whether more than 5 % of the requests of its step took
longer than the limit of p95.

p95 of a few requests exceeds a limit by chance now and then, and is looked at again and again; so
the share of slow requests is judged by a confidence sequence, as the errors are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..payload_log.request_sums import RequestSums
from ..targets.envoy.configuration import BUCKETS
from ..targets.envoy.meter import quantile
from .spec import StepCheck

SHARE = 0.95
MOST_SLOW = 1 - SHARE
ALPHA = 0.01
LEAST = 20
"""Requests before anything is said: the first ones of a version may be slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Of the requests of one version in a step. slow: that certainly took longer than the limit;
    what is in the bucket of the limit itself may have. where: measured.
    """

    requests: int
    slow: int
    p95_ms: float
    where: str

    @property
    def looks_slow(self) -> bool:
        """More than a share of 5 %, which may be chance."""
        return self.slow > MOST_SLOW * self.requests


def logged(sums: RequestSums, limit: float) -> Latencies:
    """Those of the payload log."""
    return Latencies(
        requests=sums.answered,
        slow=sums.slower_than(limit),
        p95_ms=sums.quantile(SHARE) or 0.0,
        where="in the model's process",
    )


def counted(cumulative: Sequence[int], limit: float) -> Latencies:
    """Those that the gateway has counted, see `Counts.latencies`."""
    within = [below for edge, below in zip(BUCKETS, cumulative, strict=False) if edge < limit]
    total = cumulative[-1] if cumulative else 0
    fast = cumulative[min(len(within), len(cumulative) - 1)] if cumulative else 0
    return Latencies(
        requests=total,
        slow=total - fast,
        p95_ms=quantile(cumulative, SHARE) or 0.0,
        where="at the gateway",
    )


def too_slow(slow: Any, requests: Any) -> Any:
    """Whether so many slow requests, or each of a series of counts, are beyond chance."""
    from ...experiments import verdict as comparison

    low, _ = comparison.proportion(slow, requests, alpha=ALPHA)
    return low > MOST_SLOW


def check(
    limit: float,
    against: str,
    pairs: Sequence[tuple[Latencies, Latencies]],
    *,
    least: int,
) -> StepCheck:
    """pairs: of the version and of `against` since the step began, by the gateway and by the log.
    least: requests of the version without which the step cannot pass. A machine that is slow for
    both versions is not the new one's fault, but holds the plan.
    """
    enough = max(1, min(LEAST, least))
    known = [pair for pair in pairs if pair[0].requests >= enough]
    if not known:
        return _found(limit, "too few requests", None)
    judged = {_passes(limit, *pair): pair for pair in reversed(known)}
    passed = next(state for state in (False, None, True) if state in judged)
    own, other = judged[passed]
    beside = f", {against} p95 {other.p95_ms:.1f} ms" if other.requests >= enough else ""
    measured = (
        f"p95 {own.p95_ms:.1f} ms {own.where}, {own.slow:,} of {own.requests:,} requests"
        f" slower{beside}"
    )
    return _found(limit, measured, passed)


def _passes(limit: float, own: Latencies, other: Latencies) -> bool | None:
    """False: too slow beyond chance. None: it looks so, which may be chance, or both do."""
    if own.p95_ms <= limit and not own.looks_slow:
        return True
    both = other.requests >= LEAST and other.looks_slow
    certain = own.requests >= LEAST and bool(too_slow(own.slow, own.requests))
    return False if certain and not both else None


def _found(limit: float, measured: str, passed: bool | None) -> StepCheck:
    return StepCheck(
        name="latency", limit=f"p95 at most {limit:g} ms", measured=measured, passed=passed
    )


def of_versions(
    versions: Sequence[str],
    sums: Mapping[str, RequestSums],
    gateway: Mapping[str, Sequence[int]],
    limit: float,
) -> list[tuple[Latencies, Latencies]]:
    """The pairs for `check`: by the gateway, then by the log. versions: the new one first."""
    nothing = RequestSums()
    one, other = versions
    return [
        (counted(gateway.get(one, ()), limit), counted(gateway.get(other, ()), limit)),
        (logged(sums.get(one, nothing), limit), logged(sums.get(other, nothing), limit)),
    ]
