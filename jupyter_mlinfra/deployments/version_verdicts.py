"""Two versions of a deployment held against each other: an A/B verdict that may be looked at at any
time, from what the payload log and the labels say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import BadRequest, Conflict
from .payload_log.request_sums import RequestSums
from .payload_log.sums import SpanSums

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..experiments.verdict import Arm

    Values = Sequence[float] | np.ndarray[Any, Any]

Measure = Literal["errors", "latency", "quality", "kpi", "reward"]
"""errors: share of requests answered with 500 or above. latency: milliseconds in the model's
process. quality: how far the answers are from the labels: the share of wrong classes, or the mean
absolute error of numbers. Of each, less is better. kpi: what the answers were worth by their
labels. reward: of the feedback. Of these two, more is better.
"""

SETTLED = timedelta(seconds=2)
"""After a change of traffic, until all requests follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOutcomes:
    """What is known of one version: its outcomes and their mean. share: of the requests of both
    that it should have got.
    """

    version: str
    n: int
    mean: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionVerdict:
    """Whether the treatment is better than the control, since the traffic was last changed.

    state: `better`, `worse`, `not yet`, or `ratio mismatch` if the requests were not shared as they
    should have been. difference: of the means, treatment - control, with the ends of its confidence
    sequence (None while there are too few). needed: about how many more outcomes of both would
    decide, if the difference stays; None if that is not known. why: also says what is missing in
    the log since then, if anything is.
    """

    deployment: str
    measure: Measure
    state: str
    why: str
    control: ArmOutcomes
    treatment: ArmOutcomes
    difference: float | None
    low: float | None
    high: float | None
    alpha: float
    ratio_p: float | None
    needed: int | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time in which the traffic was as it is, and the share of the treatment among the two."""

    since: datetime
    share: float


def arms(name: str, traffic: Mapping[str, int], control: str, treatment: str) -> tuple[str, str]:
    """Which two versions are compared. Without a control it is the stable version, without a
    treatment the other one that has most traffic. traffic: percent by version. Raises Conflict if
    there is none.
    """
    with_most = sorted(traffic, key=lambda version: -traffic[version])
    control = control or next((version for version in with_most if version != treatment), "")
    others = [version for version in with_most if version != control and traffic[version]]
    treatment = treatment or next(iter(others), "")
    if not control or not treatment:
        raise Conflict(
            f"{name} has no two versions to compare.",
            "Only one has traffic." if control else "None has traffic.",
            f"Add a canary: mlinfra deployments deploy MODEL/VERSION --name {name} --canary 10",
        )
    return control, treatment


def span_of(
    name: str, control: str, treatment: str, shares: tuple[datetime, tuple[int, int]] | None
) -> Span:
    """Since when both versions have had their present shares. shares: see `rows.read_shares`.
    Raises Conflict if one of them has no traffic, BadRequest for one version twice.
    """
    if control == treatment:
        raise BadRequest(
            "A version is compared with another one.",
            f"Both are {control}.",
            "Name the stable version and the canary.",
        )
    if shares is None or not all(shares[1]):
        without = treatment if shares is None or not shares[1][1] else control
        raise Conflict(
            f"{control} and {treatment} of {name} cannot be compared.",
            f"{without} has no traffic.",
            f"Give both a share: mlinfra deployments traffic {name} {control}=90 {treatment}=10",
        )
    since, present = shares
    return Span(since=since + SETTLED, share=present[1] / sum(present))


def arms_of(
    measure: Measure, sums: SpanSums, versions: tuple[str, str]
) -> tuple[Arm | None, Arm | None]:
    """Errors or latencies of each version; None for one without any."""
    found = [sums.of(version) for version in versions]
    one, other = map(_errors if measure == "errors" else _latencies, found)
    return one, other


def _errors(sums: RequestSums) -> Arm | None:
    from ..experiments import verdict as comparison

    n = sums.requests
    if not n:
        return None
    mean = sums.failed / n
    variance = mean * (1 - mean) * n / (n - 1) if n > 1 else 0.0
    return comparison.Arm(n=n, mean=mean, variance=variance, binary=True)


def _latencies(sums: RequestSums) -> Arm | None:
    from ..experiments import verdict as comparison

    n = sums.answered
    if not n:
        return None
    variance = sums.squares / (n - 1) if n > 1 else 0.0
    return comparison.Arm(n=n, mean=sums.mean, variance=variance, binary=False)


def arm_of(values: Values) -> Arm | None:
    """The outcomes of a version, one number each; None for none."""
    from ..experiments import verdict as comparison

    return comparison.arm(values) if len(values) else None


def rewards(
    folder: Path, requests: Iterable[pl.DataFrame], since: datetime, versions: Sequence[str]
) -> Sequence[Values]:
    """The rewards of the feedback on the answers that each version has given from `since` on.
    requests: frames with request_id, ts, version and status.
    """
    import polars as pl

    from .payload_log import reading

    given = reading.feedback(folder, since).select("request_id", "reward")
    if given.is_empty():
        return [[] for _ in versions]
    frames = [
        frame.filter(pl.col("status") == 200, pl.col("ts") >= since)
        .select("request_id", "version")
        .join(given, on="request_id")
        for frame in requests
    ]
    if not frames:
        return [[] for _ in versions]
    rows = pl.concat(frames).unique("request_id", keep="first")
    return [rows.filter(pl.col("version") == name)["reward"].to_numpy() for name in versions]


def compare(
    name: str,
    measure: Measure,
    span: Span,
    versions: tuple[str, str],
    outcomes: tuple[Arm | None, Arm | None],
    left_out: Sequence[str] = (),
) -> VersionVerdict:
    """The verdict on the outcomes of both versions, control first. left_out: what is missing."""
    from ..experiments import verdict as comparison

    found, (one, other) = None, outcomes
    if one is not None and other is not None:
        better: Literal["higher", "lower"] = "higher" if measure in ("kpi", "reward") else "lower"
        look = comparison.Look(control=one, treatment=other)
        found = comparison.judge([look], share=span.share, better=better)
    control, treatment = (
        ArmOutcomes(
            version=version, n=arm.n if arm else 0, mean=arm.mean if arm else 0.0, share=share
        )
        for version, arm, share in zip(
            versions, outcomes, (1 - span.share, span.share), strict=True
        )
    )
    why = found.why if found else _nothing(measure, versions, (control.n, treatment.n))
    return VersionVerdict(
        deployment=name,
        measure=measure,
        state=str(found.state) if found else "not yet",
        why="; ".join([why, *(f"left out: {text}" for text in left_out)]),
        control=control,
        treatment=treatment,
        difference=found.difference if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        alpha=found.alpha if found else 0.05,
        ratio_p=found.ratio_p if found else None,
        needed=comparison.outcomes_needed(found) if found else None,
        since=span.since,
    )


def _nothing(measure: Measure, versions: Sequence[str], counts: Sequence[int]) -> str:
    without = " and ".join(
        version for version, count in zip(versions, counts, strict=True) if not count
    )
    if measure in ("quality", "kpi"):
        return f"{without}: no label has been joined since the traffic was changed"
    if measure == "reward":
        return f"{without}: no reward has come since the traffic was changed"
    return f"{without}: no request is in the payload log since the traffic was changed"
