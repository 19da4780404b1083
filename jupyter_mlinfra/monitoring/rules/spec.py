"""What a rule is: a threshold on a metric, and how long it must be crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Literal, Protocol

from ..against import REFERENCE
from ..hours.points import Point
from ..state import NoData, Timing

Severity = Literal["info", "warning", "critical"]

Key = tuple[str, ...]
"""The values of a rule's `by` labels: which of its alerts. Empty for a rule without them."""

METRICS = (
    *("psi", "ks", "wasserstein", "js", "hellinger", "chi2", "missing", "out_of_range", "unseen"),
    *("error_fraction", "refused_fraction", "p95_ms", "requests"),
    *("score_psi", "output_psi", "class_psi"),
    *("memory_mib", "cpu_cores", "in_flight", "retries", "gpu_memory_mib", "gpu_load"),
    *("label_coverage", "kpi"),
)
FAMILIES = ("performance_real", "performance_output", "performance_estimated")
"""Followed by a dot and the name of the performance metric: `performance_real.roc_auc`."""

LABELS = ("version", "feature", "segment")

THRESHOLD = "threshold"
"""The kind of rule that is ours; others are in `kinds`."""


class Operator(StrEnum):
    """How a value is compared with a threshold."""

    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="

    def holds(self, value: float, threshold: float) -> bool:
        """Whether `value` is on the bad side of `threshold`."""
        return {
            Operator.GREATER: value > threshold,
            Operator.AT_LEAST: value >= threshold,
            Operator.LESS: value < threshold,
            Operator.AT_MOST: value <= threshold,
        }[self]

    @property
    def upward(self) -> bool:
        """Whether large values are bad."""
        return self in (Operator.GREATER, Operator.AT_LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a rule found in one window. active: None if nothing could be measured. point: the worst
    one, or one that could not be used. problem: why the rule could not judge it, else empty. text:
    what was found, in words; empty if metric and value say it.
    """

    active: bool | None
    point: Point
    problem: str = ""
    text: str = ""


class Rule(Timing, Protocol):
    """What the evaluator asks of a rule.

    monitor: the only one it is for; empty for all. stale_seconds: without a value for so long there
    is no data. inhibited_by: rules that keep its notifications back while they fire.
    """

    @property
    def name(self) -> str: ...
    @property
    def monitor(self) -> str: ...
    @property
    def by(self) -> Sequence[str]: ...
    @property
    def stale_seconds(self) -> float: ...
    @property
    def inhibited_by(self) -> Sequence[str]: ...

    def key_of(self, point: Point) -> Key | None:
        """Which of its alerts a point is for; None if the rule is not about it. Empty for a rule
        with labels: nothing was measured of any of them.
        """

    def judge(self, points: Sequence[Point], *, firing: bool) -> Judgement:
        """The verdict on the points of one alert whose windows end at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSilence:
    """A silence in a rule's file. until: seconds since 1970."""

    until: float
    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRule:
    """A metric compared with a threshold.

    kind: how windows are judged, see `kinds`. clear: a firing alert goes on while the value is on
    the bad side of this one (hysteresis). min_rows: windows of fewer rows cannot be judged.
    share_of_at_least: a fraction counts as one of at least so many requests, so that one bad
    request of three is not a third. monitor: empty for all but `not_monitors`. against: what drift
    is against, see `against`. where: only points with one of these values of a label. by: labels
    whose values have alerts of their own; without them there is one alert on the worst point, as
    there is one before any label has a value. receivers: None for all. owner: empty for the
    project's. source: file and line, empty for the built-in rules.
    """

    name: str
    metric: str
    op: Operator
    threshold: float
    kind: str = THRESHOLD
    clear: float | None = None
    hold_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    min_rows: int = 0
    share_of_at_least: int = 0
    severity: Severity = "warning"
    group: str = "default"
    monitor: str = ""
    not_monitors: Sequence[str] = ()
    against: str = REFERENCE
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by: Sequence[str] = ()
    no_data: NoData = NoData.KEEP
    stale_seconds: float = 86_400.0
    inhibited_by: Sequence[str] = ()
    receivers: Sequence[str] | None = None
    owner: str = ""
    summary: str = ""
    runbook: str = ""
    silence: RuleSilence | None = None
    source: str = ""

    def key_of(self, point: Point) -> Key | None:
        """None for another metric, another label, and for segments that the rule does not name."""
        if point.metric != self.metric or point.labels.get("against", REFERENCE) != self.against:
            return None
        of_none = point.value is None and "feature" not in point.labels
        if any(
            point.labels.get(name, "") not in values
            for name, values in self.where.items()
            if not (of_none and name == "feature")
        ):
            return None
        if "segment" in point.labels and "segment" not in (*self.by, *self.where):
            return None
        if of_none and tuple(self.by) == ("feature",):
            return ()
        if any(name not in point.labels for name in self.by):
            return None
        return tuple(point.labels[name] for name in self.by)

    def judge(self, points: Sequence[Point], *, firing: bool) -> Judgement:
        """Only the points that have enough rows count; without any there is no verdict."""
        known = [
            item
            for item in points
            if item.value is not None and isfinite(item.value) and item.rows >= self.min_rows
        ]
        if not known:
            return Judgement(active=None, point=max(points, key=lambda item: item.rows))
        return self.found_in(known, firing=firing)

    def found_in(self, known: Sequence[Point], *, firing: bool) -> Judgement:
        """The worst of the points decides."""
        worst = (max if self.op.upward else min)(known, key=self.weighed)
        return self.compared(worst, firing=firing)

    def compared(self, point: Point, *, firing: bool, text: str = "") -> Judgement:
        """A point against the threshold, or against `clear` while the alert fires."""
        limit = self.clear if firing and self.clear is not None else self.threshold
        return Judgement(active=self.op.holds(self.weighed(point), limit), point=point, text=text)

    def weighed(self, point: Point) -> float:
        """The value that is compared with the threshold."""
        value = point.value or 0.0
        short = self.share_of_at_least > point.rows
        return value * point.rows / self.share_of_at_least if short else value
