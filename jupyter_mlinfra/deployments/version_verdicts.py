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
from ..core.records import now
from .latencies import request_frames
from .payload_log.frames import UNIQUE
from .spec import Change

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Values = Sequence[float] | np.ndarray[Any, Any]

Measure = Literal["errors", "latency", "quality", "kpi", "reward"]
"""errors: share of requests answered with 500 or above. latency: milliseconds in the model's
process. quality: how far the answers are from the labels: the share of wrong classes, or the mean
absolute error of numbers. Of each, less is better. kpi: what the answers were worth by their
labels. reward: of the feedback. Of these two, more is better.
"""

FILES = 240
"""Files of the log that are read at most: about 20 million requests."""

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
    decide, if the difference stays; None if that is not known.
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


def span_of(name: str, history: Sequence[Change], control: str, treatment: str) -> Span:
    """Since when both versions have had their present shares. history: newest first. Raises
    Conflict if one of them has no traffic, BadRequest for one version twice.
    """
    if control == treatment:
        raise BadRequest(
            "A version is compared with another one.",
            f"Both are {control}.",
            "Name the stable version and the canary.",
        )
    shares = [
        (change.at, change.traffic.get(control, 0), change.traffic.get(treatment, 0))
        for change in history
    ]
    present = shares[0][1:] if shares else (0, 0)
    if not all(present):
        without = treatment if not present[1] else control
        raise Conflict(
            f"{control} and {treatment} of {name} cannot be compared.",
            f"{without} has no traffic.",
            f"Give both a share: mlinfra deployments traffic {name} {control}=90 {treatment}=10",
        )
    since = shares[0][0]
    for at, *traffic in shares:
        if tuple(traffic) != present:
            break
        since = at
    return Span(since=since + SETTLED, share=present[1] / sum(present))


def outcomes(
    folder: Path, measure: Measure, span: Span, versions: Sequence[str]
) -> Sequence[Values]:
    """Errors or latencies of each version, one number a request."""
    import polars as pl

    frames = [
        frame.filter((pl.col("ts") >= span.since) & pl.col("version").is_in(list(versions)))
        for frame in request_frames(folder, span.since, now(), FILES)
    ]
    if not frames:
        return [[] for _ in versions]
    rows = pl.concat(frames).unique(UNIQUE, keep="first")
    value = (
        (pl.col("status") >= 500).cast(pl.Float64) if measure == "errors" else pl.col("latency_ms")
    )
    if measure == "latency":
        rows = rows.filter(pl.col("status") < 400)
    return [
        rows.filter(pl.col("version") == version).select(value.alias("value"))["value"].to_numpy()
        for version in versions
    ]


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
    values: Sequence[Values],
) -> VersionVerdict:
    """The verdict on the outcomes of both versions, control first."""
    counts = [len(item) for item in values]
    from ..experiments import outcomes_needed, verdict_of

    found = None
    if all(counts):
        better: Literal["higher", "lower"] = "higher" if measure in ("kpi", "reward") else "lower"
        found = verdict_of(values[0], values[1], share=span.share, better=better)
    shares = (1 - span.share, span.share)
    control, treatment = (
        ArmOutcomes(
            version=version, n=count, mean=float(sum(item) / count) if count else 0.0, share=share
        )
        for version, count, item, share in zip(versions, counts, values, shares, strict=True)
    )
    return VersionVerdict(
        deployment=name,
        measure=measure,
        state=str(found.state) if found else "not yet",
        why=found.why if found else _nothing(measure, versions, counts),
        control=control,
        treatment=treatment,
        difference=found.difference if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        alpha=found.alpha if found else 0.05,
        ratio_p=found.ratio_p if found else None,
        needed=outcomes_needed(found) if found else None,
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
