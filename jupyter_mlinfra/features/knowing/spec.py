"""The records of what is known of features and of stored training sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ...catalog import Profile
from ...core.records import Number
from ..spec import Freshness, SkewReport

Verdict = Literal[
    "taken",
    "counted",
    "older",
    "tie_created",
    "tie_order",
    "outranked",
    "expired",
    "later",
    "created_later",
    "no_time",
    "outside",
    "pending",
]
"""Why a join takes a row, or refuses it. counted: one of the labels of a majority vote, or in a
window. outranked: a label of a weaker labeler. outside: before the windows, or between two.
pending: in a window that has not ended. The others are told by `knowing.explain`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """One row of a source, as a join sees it for one entity at one time. event_at, created_at: in
    UTC. values: by feature. why: the verdict in words.
    """

    event_at: datetime | None
    created_at: datetime | None
    values: Mapping[str, Any]
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWindow:
    """The window of one aggregation. start, end: in UTC; events from `start` on and before `end`
    are in it, all before `end` if `start` is None. rows: those of the entity that are in it and
    count; without: those of them that have no value. value: what a training set gets.
    """

    feature: str
    column: str
    function: str
    start: datetime | None
    end: datetime
    rows: int
    without: int
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Which row a join takes for one entity at a time, and why it refuses every other.

    rows: the taken one first, then those nearest in time; `total` of the source have the key.
    verdicts: how many of all have each. known_only: rows count once they are written. masked:
    features whose values are not shown. note: what else decides; usually empty. windows: of a view
    with aggregations; its rows have the values that are aggregated, and none is taken alone.
    """

    view: str
    entity: Mapping[str, Any]
    at: datetime
    ttl_seconds: float | None
    known_only: bool
    taken: JudgedRow | None
    rows: Sequence[JudgedRow]
    shown: int
    total: int
    verdicts: Mapping[Verdict, int]
    masked: Sequence[str] = ()
    note: str = ""
    windows: Sequence[HeldWindow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWindow:
    """The event times of the rows of the last training set. made_at: when it was made. dataset: the
    reference of the snapshot that holds it, or empty.
    """

    first: datetime
    last: datetime
    rows: int
    made_at: datetime
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFigures:
    """What is known of one feature beside its profile.

    newest: event time of the newest row with a value, or of the newest event that an aggregation
    counts; freshness: that against the ttl. drift:
    population stability index of the rows after the training window against those in it; ks:
    largest distance of the two distributions, for numbers. skew: rate of online values that differ
    from the source, when they were last compared; `n` values were.
    """

    name: str
    fill: Number | None
    newest: datetime | None
    freshness: Freshness
    drift: Number | None = None
    ks: Number | None = None
    skew: Number | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStatistics:
    """The statistics of a view. profile: of its features, None if there are no values to tell it
    from. told_from: which values these are, in words, or why there are none. training: the window
    that drift is measured against; no_drift: why there is no drift. skew: the last comparison of
    online values with the source, made at `skew_at`. problem, fix: why the source cannot be read.
    """

    view: str
    ref: str
    rows: Number
    ttl_seconds: float | None
    profile: Profile | None
    features: Sequence[FeatureFigures]
    training: TrainingWindow | None
    no_drift: str
    skew: SkewReport | None
    skew_at: datetime | None
    masked: Sequence[str] = ()
    problem: str = ""
    fix: str = ""
    told_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChange:
    """What a definition says of one thing (`ttl`, `source`, `tag team`, `window clicks_7d`), before
    and after, in words; empty where it says nothing.
    """

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewComparison:
    """What differs between two versions of a view, or two views. added, removed: names of features.
    retyped: their types, before and after. changes: all else. code: the lines of the transformation
    that differ, as a unified diff.
    """

    before: str
    after: str
    added: Sequence[str]
    removed: Sequence[str]
    retyped: Mapping[str, Sequence[str]]
    changes: Sequence[ViewChange]
    code: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSnapshot:
    """A training set that is stored as a dataset. sources: by name, the snapshot or state that was
    read; None where a source has none. first, last: times of its rows. rebuild: Python code that
    makes it again.
    """

    dataset: str
    ref: str
    snapshot: str
    rows: int
    features: Sequence[str]
    entities: Sequence[str]
    at: str
    sources: Mapping[str, str | None]
    first: datetime | None
    last: datetime | None
    rebuild: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDifference:
    """How the values of one feature differ from those that are stored. example: the first row that
    differs.
    """

    different: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A stored training set, compared with itself made again. newest: from the sources as they are
    now, not as they were. changed: what is not as it was then, in words. features: only those that
    differ.
    """

    dataset: str
    snapshot: str
    rows: int
    compared: int
    different: int
    newest: bool
    same: bool
    features: Mapping[str, FeatureDifference]
    changed: Sequence[str]
