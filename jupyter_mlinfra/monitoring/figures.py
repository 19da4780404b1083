"""The records of what a monitor has measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .spec import Distances


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """An input, ranked by `suspicion`: its PSI (without bins its KS) times its share of the model's
    gain; without shares the distance alone.
    """

    feature: str
    suspicion: float
    importance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigures:
    """The distribution of the answers. quantiles: by share, such as `0.5`. psi: against what the
    drift is against. error: by how much the share of a quantile may be off.
    """

    rows: int
    mean: float
    deviation: float | None
    quantiles: Mapping[str, float | None]
    psi: float | None
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """How often each class has the largest probability. shares: of rows, by class, `other` for
    those that the reference has no bin for; before: the same of what the drift is against, None if
    that is not known. psi: between them.
    """

    rows: int
    shares: Mapping[str, float]
    before: Mapping[str, float] | None
    psi: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """The first and the last date of an input; before: of the reference, None if not known."""

    first: datetime | None
    last: datetime | None
    before_first: datetime | None = None
    before_last: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceEstimate:
    """Performance without labels. method: CBPE, PAPE or DLE. caveat: what it cannot see."""

    method: str
    metrics: Mapping[str, float | None]
    rows: int
    caveat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A change of the errors that labels show: noticed by ADWIN at this time; mean error before and
    after.
    """

    at: datetime
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """counts: one row per true class, one column per answered class, both as in `classes`."""

    classes: Sequence[str]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPerformance:
    """Performance of one of several outputs. rows: those with a label of it."""

    metrics: Mapping[str, float | None]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPerformance:
    """Performance of labelled rows, of several outputs that of the first. confusion: None of
    values, and of more than 50 classes. outputs: of each output that has labels of its own, by
    name.
    """

    metrics: Mapping[str, float | None]
    rows: int
    changes: Sequence[Turn]
    confusion: Confusion | None = None
    outputs: Mapping[str, OutputPerformance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCounts:
    """What became of labels that were not joined, whatever the window. refused: could not be used,
    or came for a request that was never found; waiting: for a request that is not in the payload
    log yet.
    """

    refused: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceFigures:
    """estimated, and estimated_under_shift (PAPE): None with a reason if they cannot be computed.
    label_coverage: the share of answered rows that have a label.
    """

    estimated: PerformanceEstimate | None
    estimated_under_shift: PerformanceEstimate | None
    real: RealPerformance | None
    label_coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFigures:
    """Latency in the model's process, in ms, and the fate of the requests."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    requests: int
    error_fraction: float | None
    refused_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiFigure:
    """The mean worth of a row with a label or a reward, with its interval. total: of all of them;
    its interval is that of the mean times `rows`. outcomes: rows of true positives (tp), false
    positives (fp), false negatives (fn), true negatives (tn), of pairs of classes, or of values
    that were too high (over), too low (under) or right (exact); empty for rewards.
    """

    value: float
    low: float
    high: float
    confidence: float
    total: float
    rows: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Memory of processes, in MiB: in the newest minute and at most."""

    mib: float
    max_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuFigures:
    """Processor cores in use: on average and in the busiest minute."""

    cores: float
    max_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFigures:
    """GPUs of processes. mib, max_mib: their memory, in the newest minute and at most. load,
    max_load: of the GPUs that the processes compute on, whoever else does, 0 to 1: on average and
    in the busiest minute. What the driver does not say is None.
    """

    mib: float | None
    max_mib: float | None
    load: float | None
    max_load: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorFigures:
    """Everything that is measured of one version in a window. What could not be measured is None,
    and `reasons` says why, by key.

    against: what drift is against: the reference of a version, or a span of time. drift: by
    feature, the most suspect first. fill_rate, unseen, out_of_range: shares of rows by feature.
    problems: what makes the window incomplete. memory, cpu, gpu, in_flight (requests at once, at
    most): of the serving processes together. kpi_before: the KPI of as long a window before.
    heat: the PSI of the most suspect features over time, if it was asked for. scores: of the
    answer, of several the first; outputs: of each of several, by the name of the class or output;
    predicted: of the class with the largest probability, None of other answers or without a
    reference. dates: of inputs that are dates.
    """

    monitor: str
    version: str
    segment: str
    window_start: datetime
    window_end: datetime
    against: str
    rows: int
    drift: Mapping[str, Distances]
    suspects: Sequence[Suspect]
    fill_rate: Mapping[str, float | None]
    unseen: Mapping[str, float | None]
    out_of_range: Mapping[str, float | None]
    scores: ScoreFigures | None
    performance: PerformanceFigures
    kpi: KpiFigure | None
    latency: ServiceFigures | None
    retries: int | None
    memory: MemoryFigures | None
    cpu: CpuFigures | None
    in_flight: int | None
    reasons: Mapping[str, str]
    problems: Sequence[str]
    labels: LabelCounts = field(default_factory=LabelCounts)
    kpi_before: float | None = None
    heat: HeatMap | None = None
    outputs: Mapping[str, ScoreFigures] = field(default_factory=dict)
    predicted: ClassFigures | None = None
    dates: Mapping[str, DateRange] = field(default_factory=dict)
    gpu: GpuFigures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One feature of a heat map. values: the worst of each column, None where nothing was measured
    or no hour had enough rows; rows: of the column. importance: its share of the model's gain, None
    if that is not known.
    """

    feature: str
    importance: float | None
    values: Sequence[float | None]
    rows: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """One metric by feature and time, the most suspect feature first: `shown` of `total`.

    starts: when each column begins; each is `step_seconds` long, the last one may not be over.
    versions, segments: those that can be asked for.
    """

    metric: str
    version: str
    segment: str
    starts: Sequence[datetime]
    step_seconds: float
    rows: Sequence[HeatRow]
    shown: int
    total: int
    versions: Sequence[str]
    segments: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRecorded:
    """What was recorded again: hours, the rows in them, and files that could not be read."""

    monitor: str
    hours: int
    rows: int
    broken: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceReport:
    """A reference that was made. made_from: the dataset. rows: that were profiled, of `of_rows`.
    answers: whether the distribution of the answers is known; labels: whether performance can be
    estimated. notes: what is missing, and why.
    """

    version: str
    made_from: str
    rows: int
    of_rows: int
    features: Sequence[str]
    answers: bool
    labels: bool
    notes: Sequence[str]
