"""Online look-up: the newest values of some entities, each with its status and event time.

Feast's own look-up ignores the ttl (feast#6821) and spends most of its time on building responses.
This one asks the same online store directly, without the registry: everything it needs is in the
index. SQLite, Redis and PostgreSQL are asked without Feast at all, and all other stores through it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ...core.errors import BadRequest, Conflict, MLInfraError, Unavailable, Unprocessable
from ...core.feast_online.feast_itself import FeastStore
from ...core.feast_online.feast_stores import Column, RedisStore, Store, direct_store
from ...core.feast_online.feast_values import SIMPLE, DamagedValue
from ..configured import Configured
from ..definitions import Definition
from ..feast_errors import feast_errors
from ..repo import (
    YAML,
    configuration,
    feast_config,
    folder,
    has_tables_of_versions,
    load_feast,
    online_name,
    require_online_store,
)
from ..spec import OnlineRow, OnlineStatus
from ..store import Materialization
from .answering import answering
from .keys import keys_of

if TYPE_CHECKING:
    from ...core.project import Project

MAX_ENTITIES = 10_000

_STORE_FIX = f"Correct online_store in {YAML}."

TURN_SECONDS = 30
"""How long a look-up waits for those before it."""


class Judged(NamedTuple):
    """Values, statuses and event times of one feature, one for each entity."""

    values: list[Any]
    statuses: list[OnlineStatus]
    event_at: list[datetime | None]


class OnlineReader:
    """Look-ups in the online store of one project; thread-safe."""

    def __init__(self, project: Project) -> None:
        self._project, self._configured = project, Configured(project)
        self._lock = threading.Lock()  # most stores are used by one thread at a time
        self._opening = threading.Lock()
        self._opened: tuple[Mapping[str, Any], Store] | None = None
        self._warming: threading.Thread | None = None

    def settings(self) -> Mapping[str, Any]:
        """Feast's configuration as plain values, as it is now."""
        return self._configured.now()

    def warm(self) -> None:
        """Start to open the store in a thread, once, so that the first look-up need not wait: some
        stores need Feast, which takes seconds to load.
        """
        if self._warming is None:
            self._warming = threading.Thread(
                target=self._warm, name="mlinfra-warm-feast", daemon=True
            )
            self._warming.start()

    def _warm(self) -> None:
        with contextlib.suppress(MLInfraError):  # the look-up reports what is wrong
            self._open()

    def columns(
        self,
        requested: Mapping[str, Sequence[str]],
        views: Mapping[str, Definition],
        materializations: Callable[[], Mapping[str, Materialization]],
        entities: Sequence[Mapping[str, Any]],
        at: datetime,
    ) -> dict[str, Judged]:
        """One value per entity for each `view:feature`. requested: features by view. at: the moment
        to which the ttl applies.

        Raises BadRequest if a key is missing or has a wrong type, Conflict if a view was never
        materialized, Unavailable if the store does not answer.
        """
        columns: dict[str, Judged] = {}
        for name, features in requested.items():
            view = views[name]
            found = self.stored(view, features, entities)
            if entities and not any(any(column.at) for column in found.values()):
                _require_materialized(view, materializations)
            for feature, column in found.items():
                columns[f"{name}:{feature}"] = judged(column, view, at)
        return columns

    def stored(
        self, view: Definition, features: Sequence[str], entities: Sequence[Mapping[str, Any]]
    ) -> dict[str, Column]:
        """What the store has of some features, whatever their age. Raises as `columns`, without
        the Conflict, and Unprocessable for a value that is damaged.
        """
        if len(entities) > MAX_ENTITIES:
            raise BadRequest(
                f"{len(entities):,} entities are too many for one look-up.",
                f"At most {MAX_ENTITIES:,}.",
                "Ask in parts.",
            )
        keys = keys_of(view, entities)
        types = {item.name: item.type for item in view.features if item.name in features}
        wanted = {feature: types[feature] for feature in features}
        if not all(kind in SIMPLE for kind in wanted.values()):
            load_feast()
        settings, store = self._open()
        with self._turn(store), answering():
            name = online_name(view, versions=has_tables_of_versions(settings))
            try:
                return store.read(name, keys, wanted)
            except DamagedValue as error:
                raise _damaged(view, entities[error.place], error) from error

    def _open(self) -> tuple[Mapping[str, Any], Store]:
        """What feature_store.yaml says now, and the store that it names."""
        settings, opened = self.settings(), self._opened
        if opened is not None and opened[0] is settings:
            return opened
        with self._opening:
            same = self._opened is not None and self._opened[0] == settings
            store = self._opened[1] if self._opened and same else opened_store(self._project)
            self._opened = settings, store
            return self._opened

    @contextlib.contextmanager
    def _turn(self, store: Store) -> Iterator[None]:
        """Wait for the look-ups before this one, unless the store answers several at once. Raises
        Unavailable if they do not end.
        """
        if isinstance(store, RedisStore):
            yield
            return
        if not self._lock.acquire(timeout=TURN_SECONDS):
            raise Unavailable(
                "The online store did not answer.",
                f"A look-up before this one has waited for it for {TURN_SECONDS} seconds.",
                "Look at its server, or correct online_store in feature_store.yaml.",
            )
        try:
            yield
        finally:
            self._lock.release()


def opened_store(project: Project) -> Store:
    """What reads the online store of a project. Raises Conflict without one, Unprocessable for
    settings that Feast does not accept.
    """
    if direct := direct_store(configuration(project), folder(project)):
        return direct
    load_feast()
    config = feast_config(project)
    require_online_store(config)
    with feast_errors("The online store cannot be opened.", _STORE_FIX):
        return FeastStore(config)


def rows_of(entities: Sequence[Mapping[str, Any]], found: Mapping[str, Judged]) -> list[OnlineRow]:
    """One row per entity, in order, of the columns by `view:feature`."""
    names, columns = list(found), list(found.values())
    if not columns:
        return [_row(dict(entity), {}, {}, {}) for entity in entities]
    values = zip(*(column.values for column in columns), strict=True)
    statuses = zip(*(column.statuses for column in columns), strict=True)
    times = zip(*(column.event_at for column in columns), strict=True)
    named = _StatusesByName(names)
    return [
        _row(
            dict(entity),
            dict(zip(names, value)),  # noqa: B905  # as long: a check for each row takes as long as the dict
            named[status].copy(),
            dict(zip(names, time)),  # noqa: B905  # as above
        )
        for entity, value, status, time in zip(entities, values, statuses, times, strict=True)
    ]


class _StatusesByName(dict[tuple[OnlineStatus, ...], dict[str, OnlineStatus]]):
    """The statuses of a row by the names of its features; a look-up has few that differ."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, statuses: tuple[OnlineStatus, ...]) -> dict[str, OnlineStatus]:
        return self.setdefault(statuses, dict(zip(self._names, statuses, strict=True)))


_set_entity, _set_values, _set_status, _set_event_at = (
    getattr(OnlineRow, name).__set__ for name in ("entity", "values", "status", "event_at")
)


def _row(entity: Any, values: Any, status: Any, event_at: Any) -> OnlineRow:
    """A row whose slots are set directly: the way of a frozen dataclass takes longer than to make
    its dicts.
    """
    row = OnlineRow.__new__(OnlineRow)
    _set_entity(row, entity)
    _set_values(row, values)
    _set_status(row, status)
    _set_event_at(row, event_at)
    return row


def _damaged(view: Definition, entity: Mapping[str, Any], error: DamagedValue) -> Unprocessable:
    keys = ", ".join(f"{key.name}={entity[key.name]!r}" for key in view.keys)
    return Unprocessable(
        f"A value of {view.name} in the online store is damaged.",
        f"That of {error.feature} for {keys or 'all'}: {error}.",
        f"mlinfra features materialize {view.view} --full writes it again.",
    )


def _require_materialized(
    view: Definition, materializations: Callable[[], Mapping[str, Materialization]]
) -> None:
    """Raise Conflict if nothing was ever written to it."""
    if view.materialized_until is None and view.view not in materializations():
        raise Conflict(
            f"The online store has no values of {view.name}.",
            "It was never materialized.",
            f"mlinfra features materialize {view.view}",
        )


def judged(column: Column, view: Definition, at: datetime) -> Judged:
    """What counts of a column; an expired value is None."""
    values, ttl = column.values, view.ttl
    absent, empty = [time is None for time in column.at], [value is None for value in values]
    if absent == empty:  # what is not there has no value either
        statuses = [_FOUND[gone] for gone in absent]
    else:
        statuses = [
            OnlineStatus.NOT_FOUND if gone else _STORED[null]
            for gone, null in zip(absent, empty, strict=True)
        ]
    for place, time in enumerate(column.at if ttl is not None else ()):
        if ttl is not None and time is not None and at - time > ttl:
            statuses[place], values[place] = OnlineStatus.EXPIRED, None
    return Judged(values, statuses, column.at)


_STORED = (OnlineStatus.PRESENT, OnlineStatus.NULL)
_FOUND = (OnlineStatus.PRESENT, OnlineStatus.NOT_FOUND)
