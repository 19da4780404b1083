"""The records of monitors, drift and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ..core.records import Basis, Number


class AlertState(StrEnum):
    """The state of an alert. no_data is a state of its own, never green. silenced: it fires, and
    nobody is told.
    """

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    SILENCED = "silenced"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """Drift of one feature between reference and window.

    psi: population stability index on the reference's deciles (natural log). ks: two-sample
    Kolmogorov–Smirnov statistic; wasserstein: the distance that a value has moved in the mean, in
    units of the feature; both None for categories. js: Jensen–Shannon distance (base 2); hellinger:
    Hellinger distance; chi2: Pearson's statistic, all three over the bins. reference, window:
    fractions per bin. edges: inner bin edges, or category names.
    """

    feature: str
    kind: str
    psi: Number
    ks: Number | None
    wasserstein: Number | None
    js: Number
    hellinger: Number
    chi2: Number
    missing_reference: Number
    missing_window: Number
    edges: Sequence[float | str]
    reference: Sequence[float]
    window: Sequence[float]
    drifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """The distances of one column, as in `FeatureDrift`. basis: of ks and wasserstein. ks_error: by
    how much ks may be off, at most; None without ks.
    """

    psi: float | None
    ks: float | None
    wasserstein: float | None
    js: float | None
    hellinger: float | None
    chi2: float | None
    basis: Basis
    ks_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """The rows of two tables."""

    reference: int
    current: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparison:
    """Two tables compared. drift: by column, the largest PSI
    first; drifted: those with a PSI of at least `threshold`. not_compared: why, by column.
    """

    rows: RowCounts
    drift: Mapping[str, Distances]
    drifted: Sequence[str]
    not_compared: Mapping[str, str]
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSilence:
    """Nobody is told of these alerts until then.

    number: names it. monitor: empty for all. labels: the values of the rule's `by`; None for all
    alerts of the rule. ended_by: who ended it before its time, at `until`; empty for nobody.
    """

    number: int
    monitor: str
    rule: str
    labels: Sequence[str] | None
    begun_at: datetime
    until: datetime
    by: str
    why: str
    ended_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody looks after an alert; it lasts until the alert ends."""

    by: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert at its last evaluation: value and threshold. since: when its state began.

    name: of its rule. labels: those that its rule keeps apart. count: how many alerts of the rule
    this line stands for, 1 for one; `ref` then names all alerts of the rule, and `subject` says how
    many these are. subject: the feature, segment or version of the worst value. window_start,
    window_end: the time in which the threshold was crossed, in the present episode or the last one.
    held_back_by: why nobody is told: the rule that inhibits it while it fires, or the file that
    silences it. hold_seconds: how long its rule waits before it fires. cause: the likely one in a
    few words; empty before one was found. owner: who looks after it, by its rule or the project;
    empty if neither says so.
    """

    ref: str
    name: str
    monitor: str
    state: AlertState
    severity: str
    value: Number | None
    threshold: float
    subject: str
    since: datetime
    evaluated_at: datetime | None
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)
    metric: str = ""
    op: str = ">="
    version: str = ""
    group: str = ""
    summary: str = ""
    runbook: str = ""
    source: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    resolved_at: datetime | None = None
    silence: AlertSilence | None = None
    held_back_by: str = ""
    acknowledged: Acknowledgement | None = None
    hold_seconds: float = 0.0
    cause: str = ""
    owner: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HourOfDrift:
    """The largest PSI of any feature that an evaluation found in the hour from `at` on; None if
    none was measured.
    """

    at: datetime
    psi: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One monitor in a list. requests: in the window, refused and failed ones too; rows: those that
    were answered. worst: the feature with the largest PSI. lately: the last 24 hours with an
    evaluation, oldest first. note: what is to be said of the settings that it was just given.
    """

    ref: str
    name: str
    deployment: str
    state: AlertState
    requests: Number
    rows: Number
    worst: str
    worst_psi: Number | None
    evaluated_at: datetime | None
    last_request_at: datetime | None
    lately: Sequence[HourOfDrift] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorStatus:
    """A monitor's page.

    reference: of the version whose rows `drift` and `score` are about. versions: answered rows per
    version. dropped: requests that the payload log had to drop. error_fraction: answers from 500
    on; refused_fraction: those from 400 to 499. drift: the features that moved the most, of
    `features` that were compared. trouble: why nothing was compared, as without a reference;
    `reference` is empty then.
    problems: what makes the window incomplete, such as a broken file of the log.
    next_evaluation_at: when the rules are judged again; None if that is not planned. alerts: the
    quiet ones of a rule as one.
    """

    monitor: Monitor
    window_start: datetime | None
    window_end: datetime | None
    reference: str
    versions: Mapping[str, int]
    p50_ms: Number | None
    p95_ms: Number | None
    error_fraction: Number | None
    refused_fraction: Number | None
    dropped: int
    score: FeatureDrift | None
    drift: Sequence[FeatureDrift]
    features: int
    trouble: str
    alerts: Sequence[Alert]
    code: Mapping[str, str]
    problems: Sequence[str] = ()
    outputs: Sequence[FeatureDrift] = ()
    predicted: FeatureDrift | None = None
    next_evaluation_at: datetime | None = None
