"""What the registry holds, as plain records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .kinds import ViewKind
from .sources import SourceSpec

DEPRECATED = "deprecated"
"""The tag of a view that nobody should take for anything new; its value is a note."""

_NOT = ("false", "no", "0")
_VERSION = re.compile(r"(?P<view>.+)@(?:v(?:ersion)?(?P<number>\d+)|latest)", re.IGNORECASE)


def split_version(name: str) -> tuple[str, int | None]:
    """View and version of `view@v2`; no version for `view` and `view@latest`."""
    found = _VERSION.fullmatch(name)
    if found is None:
        return name, None
    return found["view"], int(found["number"]) if found["number"] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A feature, a join key or a column of a request. type: Feast's name for its type."""

    name: str
    type: str
    description: str = ""
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """One aggregation of a view. seconds: length of its window, None for the whole past. slide:
    seconds from one window to the next.
    """

    feature: str
    column: str
    function: str
    seconds: float | None
    slide: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpec:
    """How labels are resolved that several labelers gave. policy: last_write_wins,
    labeler_priority or majority_vote. labeler: the column that names who gave a label.
    priorities: labelers, the strongest first. about: the view that is labelled, or empty.
    """

    policy: str
    labeler: str
    priorities: Sequence[str] = ()
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One view of the registry, or an earlier version of one (`name@v2`).

    kind: see `KINDS`. computed: its values are computed, so that no source has them; aggregated: by
    the aggregations in `windows` alone, from the rows of its source. digest:
    changes with the definition. materialized_until: end of the last materialization that Feast
    recorded. version: Feast's number of its columns. uses: the views that it is computed from.
    asks: the columns of a request, or of entity rows, that it is computed from.
    push: name of the source by which rows are pushed, or empty. problem: what is wrong with the
    definition, so that nothing can be computed, or empty. code: the text of its transformation,
    which is never run here.
    """

    name: str
    kind: ViewKind
    entities: Sequence[str]
    keys: Sequence[Column]
    features: Sequence[Column]
    ttl_seconds: float | None
    source: SourceSpec | None
    online: bool
    owner: str
    tags: Mapping[str, str]
    description: str
    digest: str
    materialized_until: datetime | None
    computed: bool = False
    aggregated: bool = False
    version: int | None = None
    uses: Sequence[str] = ()
    asks: Sequence[Column] = ()
    push: str = ""
    windows: Sequence[WindowSpec] = ()
    labels: LabelSpec | None = None
    problem: str = ""
    code: str = ""

    @property
    def deprecated(self) -> str | None:
        """What to take in its place, maybe empty, where nobody should take it any more; None: it
        is not deprecated.
        """
        note = self.tags.get(DEPRECATED)
        return None if note is None or note.lower() in _NOT else note

    @property
    def ttl(self) -> timedelta | None:
        """None: values never expire."""
        return timedelta(seconds=self.ttl_seconds) if self.ttl_seconds else None

    @property
    def stored(self) -> bool:
        """Whether a source has its values, so that nothing is to be computed."""
        return not self.computed and self.source is not None

    @property
    def view(self) -> str:
        """The name of the view, without the version."""
        return split_version(self.name)[0]

    @property
    def pinned(self) -> int | None:
        """The version that its name pins; None for the view as it is now."""
        return split_version(self.name)[1]


def stem_of(view: str) -> str:
    """What files about a view begin with: its name if it is a plain one, else a digest, for a name
    may hold anything.
    """
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}", view)
    return view if plain else hashlib.sha256(view.encode()).hexdigest()[:32]


def source_columns(view: Definition) -> dict[str, str]:
    """The column of the source from which each feature has its values; empty where code computes
    them, which does not tell.
    """
    if view.source is None or (view.computed and not view.windows):
        return {}
    origin = {new: old for old, new in view.source.mapping.items()}
    read = {item.name: item.name for item in view.features}
    read |= {window.feature: window.column for window in view.windows}
    return {feature: origin.get(column, column) for feature, column in read.items()}


@dataclass(frozen=True, slots=True)
class Origin:
    """A source, and which features of a view come from each of its columns. every: those that code
    computes from any of them.
    """

    source: SourceSpec
    columns: Mapping[str, Sequence[str]]
    every: Sequence[str] = ()

    def of(self, column: str) -> Sequence[str]:
        """The features that this column of the source may be in."""
        return [*self.columns.get(column, ()), *self.every]


def origins(view: Definition, views: Mapping[str, Definition]) -> list[Origin]:
    """The sources of a view, and of the views that it is computed from, which are found in `views`.
    Raises KeyError for one that is not there.
    """
    features, found = [column.name for column in view.features], list[Origin]()
    if view.source is not None:
        columns = dict[str, list[str]]()
        for feature, column in source_columns(view).items():
            columns.setdefault(column, []).append(feature)
        found.append(Origin(view.source, columns, () if columns else features))
    for name in view.uses:
        for used in origins(views[name], views):
            columns = dict.fromkeys(used.columns, features)
            found.append(Origin(used.source, columns, features if used.every else ()))
    return found


def read_for(names: Iterable[str], views: Mapping[str, Definition]) -> list[str]:
    """These views, and those that they are computed from, each once."""
    found, todo = dict[str, None](), list(names)
    while todo:
        name = todo.pop(0)
        if name in views and name not in found:
            found[name] = None
            todo += views[name].uses
    return list(found)


def asked_keys(view: Definition, views: Mapping[str, Definition]) -> list[Column]:
    """The keys of a view and of those that it is computed from, each once."""
    read = [view, *(views[name] for name in read_for(view.uses, views))]
    return list({key.name: key for item in read for key in item.keys}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A feature service: features that a model takes together. features: `view:feature`, with
    `view@v2` for a version. renamed: views whose keys or name it changes, which only Feast can
    join. logs: where its answers are logged, or empty.
    """

    name: str
    features: Sequence[str]
    owner: str
    tags: Mapping[str, str]
    description: str
    precomputed: bool = False
    renamed: Sequence[str] = ()
    logs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSpec:
    """A training set that Feast saved. stored: where. first, last: its event times."""

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
class EntitySpec:
    """What rows are about. key: the column that names one; type: Feast's name for its type."""

    name: str
    key: str
    type: str
    owner: str
    tags: Mapping[str, str]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """All that the registry holds for this project, each part by name. versions: every version of
    every view that it keeps, as `view@v2`.
    """

    views: Mapping[str, Definition] = field(default_factory=dict)
    versions: Mapping[str, Definition] = field(default_factory=dict)
    services: Mapping[str, ServiceSpec] = field(default_factory=dict)
    saved: Mapping[str, SavedSpec] = field(default_factory=dict)
    entities: Mapping[str, EntitySpec] = field(default_factory=dict)
