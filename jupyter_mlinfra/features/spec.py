"""The records of the feature store: views, features, online values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.records import Number
from .definitions import LabelSpec, WindowSpec
from .kinds import ViewKind


class Freshness(StrEnum):
    """How a view's online values compare with its ttl."""

    FRESH = "fresh"
    EXPIRED = "expired"
    NEVER = "never"  # not materialized


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature. ref: `feature:view:name`. fill: fraction of rows that are not null."""

    ref: str
    name: str
    view: str
    type: str
    description: str
    fill: Number | None
    used_by: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One feature view in a list.

    kind: batch, stream, on_demand or label. version: Feast's number of its columns, None for one
    that Feast does not count. ttl_seconds: None = never expires. online_at: newest event time that
    is online. source_at: newest event time of the source. problem: why its definition was left out,
    why the source cannot be read, or which column it lacks; else empty. fix: what to do about it.
    deprecated: what to take in its place, maybe empty; None: it is not deprecated.
    """

    ref: str
    name: str
    entities: Sequence[str]
    features: int
    ttl_seconds: float | None
    dataset: str | None
    owner: str
    tags: Mapping[str, str]
    description: str
    online: bool
    freshness: Freshness
    online_at: datetime | None
    source_at: datetime | None = None
    problem: str = ""
    fix: str = ""
    kind: ViewKind = "batch"
    version: int | None = None
    deprecated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDetail:
    """A view's page. join_keys: also those of the views that it is computed from. asks: the columns
    of a request that it needs beside them. versions: names of those that the registry keeps, the
    newest first. uses: the views that it is computed from. services: those that have features of
    it. push: name of the source by which rows are pushed, or empty. windows: its aggregations.
    labels: how labels of several labelers are resolved; None for a view of features.
    """

    view: View
    features: Sequence[Feature]
    join_keys: Sequence[str]
    timestamp_column: str
    created_column: str | None
    rows: Number
    code: Mapping[str, str]
    asks: Sequence[str] = ()
    versions: Sequence[str] = ()
    uses: Sequence[str] = ()
    services: Sequence[str] = ()
    push: str = ""
    windows: Sequence[WindowSpec] = ()
    labels: LabelSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Features that a model takes together. features: `view:feature`, with `view@v2` for a version.
    precomputed: Feast keeps its answers ready. logs: where they are logged, or empty. problem: the
    features that no view has any more, or what only Feast can do with it; else empty.
    """

    ref: str
    name: str
    features: Sequence[str]
    owner: str
    tags: Mapping[str, str]
    description: str
    precomputed: bool
    logs: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDetail:
    """The page of a feature service."""

    service: Service
    features: Sequence[Feature]
    code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSet:
    """A training set that Feast saved. stored: a dataset's reference, a path, or the kind of store.
    first, last: its event times.
    """

    ref: str
    name: str
    features: Sequence[str]
    keys: Sequence[str]
    service: str
    stored: str
    tags: Mapping[str, str]
    description: str
    created_at: datetime | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """What rows are about. key: the column that names one. views: those that are joined on it."""

    ref: str
    name: str
    key: str
    type: str
    owner: str
    tags: Mapping[str, str]
    description: str
    views: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapplied:
    """A definition that `apply` left out, with the reason and the fix. kind: view or service.
    registered: the registry keeps what it had of it.
    """

    name: str
    kind: str
    what: str
    why: str
    fix: str
    registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedViews:
    """What `apply` changed in the registry. problems: what it left out. notes: views that were
    applied as they are written, although their source is not there or does not fit.
    """

    created: Sequence[str]
    updated: Sequence[str]
    deleted: Sequence[str]
    unchanged: Sequence[str]
    problems: Sequence[Unapplied] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """What `define` wrote. file: below the project. replaced: whether there was such a file. views,
    services, entities: names of what it defines. applied: what changed in the registry; None if
    that was not asked for.
    """

    file: str
    replaced: bool
    views: Sequence[str]
    services: Sequence[str]
    entities: Sequence[str]
    applied: AppliedViews | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retagged:
    """Tags of a view in the file that defines it. file: below the project; line: where the view is
    defined. tags: all that it has then. diff: the lines that change, as a unified diff; empty if
    they say so already. used_by: what uses a view that is deprecated. applied: what changed in the
    registry; None if nothing was applied.
    """

    view: str
    file: str
    line: int
    tags: Mapping[str, str]
    diff: str
    written: bool
    used_by: Sequence[str] = ()
    applied: AppliedViews | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialized:
    """What `materialize` wrote to the online store, in how many parts."""

    view: str
    rows: int
    start: datetime
    end: datetime
    seconds: float
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that was not pushed. row: its number, the first is 1. why: what is wrong with the value
    of this column.
    """

    row: int
    column: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What `push` wrote. rows: taken ones. older: keys of which a newer row is online, which stays.
    rejected: the first of `rejected_rows`.
    """

    source: str
    views: Sequence[str]
    rows: int
    to: str
    older: int
    rejected: Sequence[Rejected]
    rejected_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSkew:
    """How the online values of one feature differ from its source. missing_online: keys of the
    source that are not online. only_online: values that are newer than the source, by a push.
    example: the first that differs or is missing.
    """

    compared: int
    different: int
    missing_online: int
    only_online: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewReport:
    """How the online values of a view differ from what training reads, on a sample of keys.

    until: the end of what was materialized; later rows of the source do not count. compared,
    different: values. rate: of differences; upper: the largest that the sample does not contradict,
    at 95 %.
    """

    view: str
    until: datetime
    sampled: int
    compared: int
    different: int
    missing_online: int
    rate: float | None
    upper: float | None
    features: Mapping[str, FeatureSkew]
    passed: bool


class OnlineStatus(StrEnum):
    """The status of one online value: a value; a null that was stored as one; past its ttl, so that
    it does not count; not in the store.
    """

    PRESENT = "PRESENT"
    NULL = "NULL"
    EXPIRED = "EXPIRED"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRow:
    """Online values of one entity. Keys of the three maps are `view:feature`; a value that is not
    PRESENT is None.
    """

    entity: Mapping[str, Any]
    values: Mapping[str, Any]
    status: Mapping[str, OnlineStatus]
    event_at: Mapping[str, datetime | None]

    @property
    def complete(self) -> bool:
        """Whether the store has every value, and none is past its ttl; a null is a value."""
        stored = (OnlineStatus.PRESENT, OnlineStatus.NULL)
        return all(status in stored for status in self.status.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineBatch:
    """Online values of many entities by `view:feature`, each a list in their order; see
    `OnlineRow`.
    """

    values: Mapping[str, Sequence[Any]]
    status: Mapping[str, Sequence[OnlineStatus]]
    event_at: Mapping[str, Sequence[datetime | None]]
