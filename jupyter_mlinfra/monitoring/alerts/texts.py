"""What an alert says in one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..against import PREVIOUS, REFERENCE
from ..hours.points import Point
from ..rules.spec import Judgement, ThresholdRule
from ..spec import AlertState
from ..state import Track

_NAMES = {
    "psi": "PSI",
    "ks": "KS",
    "wasserstein": "Wasserstein distance",
    "js": "JS distance",
    "hellinger": "Hellinger distance",
    "chi2": "χ²",
    "missing": "share of missing values",
    "out_of_range": "share of values out of range",
    "unseen": "share of unseen categories",
    "p95_ms": "p95 of the latency in ms",
    "score_psi": "PSI of the answers",
    "output_psi": "PSI of the output",
    "class_psi": "PSI of the predicted classes",
    "memory_mib": "memory in MiB",
    "cpu_cores": "processor cores in use",
    "gpu_memory_mib": "memory of GPUs in MiB",
    "gpu_load": "load of its GPUs",
    "in_flight": "requests in flight",
    "retries": "retries",
    "label_coverage": "share of labelled requests",
    "kpi": "KPI",
}
_AGAINST = {PREVIOUS: "the window before"}
_ROW = re.compile(r" in row \d+")
_BAD = {"error_fraction": "failed", "refused_fraction": "were refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the window says beside its figures, by metric; `""` stands for all others.

    unmeasured: why nothing was measured. reasons: the most frequent reason of bad requests.
    against: why drift was not measured, by what it is against.
    """

    unmeasured: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    against: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, metric: str) -> str:
        """Why a metric was not measured, if that is known."""
        return self.unmeasured.get(metric) or self.unmeasured.get("", "")


def text_of(rule: ThresholdRule, found: Judgement | None, track: Track, notes: Notes) -> str:
    """The result of a rule, and what it waits for."""
    if found is None or found.active is None:
        reason = _why_not(rule, found, notes)
        if track.state is AlertState.FIRING:
            return f"still firing, because it could not be judged again: {reason}"
        return reason
    text = found.text or _measured(rule, found.point, notes)
    if track.state is AlertState.PENDING:
        left = rule.hold_seconds - (track.at - track.since)
        return f"{text}; fires in {left / 60:.0f} min if it lasts"
    if track.state is AlertState.FIRING and not found.active:
        left = rule.keep_firing_seconds - (track.at - (track.kept_since or track.at))
        return f"{text}; ends in {left / 60:.0f} min if it stays so"
    held = found.active and not rule.op.holds(rule.weighed(found.point), rule.threshold)
    if held and rule.clear is not None:
        return f"{text}; ends {'below' if rule.op.upward else 'above'} {rule.clear:g}"
    return text


def most_frequent(reasons: Iterable[str]) -> str:
    """The most frequent of these reasons of bad requests, whatever their row."""
    counts = Counter(_ROW.sub("", reason) for reason in reasons)
    return counts.most_common(1)[0][0] if counts else ""


def subject_of(point: Point) -> str:
    """The feature of a point, or its segment."""
    return point.labels.get("feature") or point.labels.get("segment", "")


def _measured(rule: ThresholdRule, point: Point, notes: Notes) -> str:
    value = point.value or 0.0
    if rule.metric in _BAD:
        text = (
            f"{round(value * point.rows):,} of {point.rows:,} requests {_BAD[rule.metric]}, limit"
            f" {100 * rule.threshold:g} %"
        )
        most = notes.reasons.get(rule.metric, "")
        return f"{text}; most often: {most}" if value and most else text
    family, _, metric = rule.metric.partition(".")
    name = _NAMES.get(rule.metric) or f"{family.replace('_', ' ')} {metric}".strip()
    of = " of ".join(
        item
        for item in (name, point.labels.get("feature", ""), point.labels.get("segment"))
        if item
    )
    if rule.against != REFERENCE:
        of += f" against {_AGAINST.get(rule.against, rule.against)}"
    shown = f"{value:.2f}" if 0.1 <= abs(value) < 100 else f"{value:.4g}"
    return f"{of} is {shown}, limit {rule.threshold:g}, over {point.rows:,} rows"


def _why_not(rule: ThresholdRule, found: Judgement | None, notes: Notes) -> str:
    known = notes.why_not(rule.metric) or notes.against.get(rule.against)
    if known:
        return known
    if found is None:
        return "no new value has come"
    if found.problem:
        return found.problem
    point = found.point
    if rule.metric in _BAD and not point.rows:
        return "no request in the window"
    if point.rows < rule.min_rows:
        return f"{point.rows:,} rows in the window; {rule.min_rows:,} are needed"
    return "it could not be measured"
