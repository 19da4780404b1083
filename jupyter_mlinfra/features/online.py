"""Online look-up: the newest values of some entities, each with its status and event time.

Feast's own look-up ignores the ttl (feast#6821) and spends most of its time on building responses.
This one asks the same online store (SQLite, Redis, …) directly and does not touch the registry:
everything it needs is in the index.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, MLInfraError, Unavailable
from ..core.sqlite import fix_of, sqlite_error
from .definitions import Column, Definition
from .repo import feast_config, load_feast, require_online_store
from .spec import OnlineRow, OnlineStatus
from .store import Materialization

if TYPE_CHECKING:
    from feast import FeatureView, RepoConfig

    from ..core.project import Project

MAX_ENTITIES = 10_000
_CHUNK = 500  # SQLite accepts a limited number of parameters


_KEYS = frozenset({"BYTES", "INT32", "INT64", "STRING", "UNIX_TIMESTAMP"})
"""The types of keys that Feast can look up online."""


def require_online_keys(view: Definition) -> None:
    """Raise Conflict for a view with a key that no online store of Feast accepts."""
    for key in view.keys:
        if key.type not in _KEYS:
            why = (
                f"Its key {key.name} is {key.type.lower()}; Feast looks up"
                f" {', '.join(sorted(_KEYS)).lower()} only."
            )
            raise Conflict(
                f"{view.name} cannot be served online.",
                why,
                "Give the key another type, or set online=False: training sets work as they are.",
            )


@dataclass(slots=True)
class _Values:
    """What is known of one entity: three maps whose keys are `view:feature`."""

    values: dict[str, Any] = field(default_factory=dict)
    status: dict[str, OnlineStatus] = field(default_factory=dict)
    event_at: dict[str, datetime | None] = field(default_factory=dict)

    def add(
        self,
        view: Definition,
        features: Sequence[str],
        event_at: datetime | None,
        stored: Mapping[str, Any] | None,
        at: datetime,
    ) -> None:
        """Add the features of a view. stored: its values, None if there are none. at: the moment to
        which the ttl applies.
        """
        expired = view.ttl is not None and event_at is not None and at - event_at > view.ttl
        for feature in features:
            key = f"{view.name}:{feature}"
            if stored is None or feature not in stored:
                self.status[key], self.values[key] = OnlineStatus.NOT_FOUND, None
                self.event_at[key] = None
                continue
            value = None if expired else stored[feature]
            self.values[key], self.event_at[key] = value, event_at
            if expired:
                self.status[key] = OnlineStatus.EXPIRED
            else:
                self.status[key] = OnlineStatus.NULL if value is None else OnlineStatus.PRESENT


class OnlineReader:
    """Look-ups in the online store of one project; thread-safe."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()  # Feast's SQLite store has one connection
        self._opened: tuple[RepoConfig, Any] | None = None
        self._tables: dict[str, FeatureView] = {}
        self._warming: threading.Thread | None = None

    def warm(self) -> None:
        """Start to load Feast and open the store in a thread, once, so that the first look-up need
        not wait.
        """
        if self._warming is None:
            self._warming = threading.Thread(
                target=self._warm, name="mlinfra-warm-feast", daemon=True
            )
            self._warming.start()

    def _warm(self) -> None:
        with contextlib.suppress(MLInfraError):  # the look-up reports what is wrong
            load_feast()
            with self._lock:
                self._open()

    def read(
        self,
        requested: Mapping[str, Sequence[str]],
        views: Mapping[str, Definition],
        materializations: Mapping[str, Materialization],
        entities: Sequence[Mapping[str, Any]],
        at: datetime,
    ) -> list[OnlineRow]:
        """One row per entity, in order. requested: features by view. at: the moment to which the
        ttl applies.

        Raises BadRequest if a key is missing or has a wrong type, Conflict if a view was never
        materialized.
        """
        if len(entities) > MAX_ENTITIES:
            raise BadRequest(
                f"{len(entities):,} entities are too many for one look-up.",
                f"At most {MAX_ENTITIES:,}.",
                "Ask in parts.",
            )
        rows = [_Values() for _ in entities]
        for name, features in requested.items():
            view = views[name]
            stored_rows = self._stored(view, features, entities)
            if (
                all(stored is None for _, stored in stored_rows)
                and name not in materializations
                and view.materialized_until is None
                and entities
            ):
                raise Conflict(
                    f"The online store has no values of {name}.",
                    "It was never materialized.",
                    f"mlinfra features materialize {name}",
                )
            for row, (event_at, stored) in zip(rows, stored_rows, strict=True):
                row.add(view, features, event_at, stored, at)
        return [
            OnlineRow(
                entity=dict(entity), values=row.values, status=row.status, event_at=row.event_at
            )
            for entity, row in zip(entities, rows, strict=True)
        ]

    def _stored(
        self, view: Definition, features: Sequence[str], entities: Sequence[Mapping[str, Any]]
    ) -> list[tuple[datetime | None, dict[str, Any] | None]]:
        """Event time and values by feature, for each entity; None for one that is not stored."""
        load_feast()
        from feast.type_map import feast_value_type_to_python_type

        require_online_keys(view)
        keys = _entity_keys(view, entities)
        rows: list[tuple[datetime | None, dict[str, Any] | None]] = []
        with self._lock:
            config, store = self._open()
            table = self._table(view)
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                try:
                    with _feast_timestamps():
                        answers = store.online_read(config, table, part, list(features))
                except Exception as error:  # each store raises errors of its own library
                    fix = (cause := sqlite_error(error)) and fix_of(cause)
                    raise Unavailable(
                        "The online store did not answer.",
                        f"{error}.",
                        fix or "Start it, or correct online_store in feature_store.yaml.",
                    ) from error
                for event_at, values in answers:
                    # For an absent key Redis answers with the year 1970.
                    if not values or not event_at or not event_at.timestamp():
                        rows.append((None, None))
                        continue
                    python_values = {
                        name: feast_value_type_to_python_type(value)
                        for name, value in values.items()
                        if name in features
                    }
                    rows.append((event_at.replace(tzinfo=event_at.tzinfo or UTC), python_values))
        return rows

    def _open(self) -> tuple[RepoConfig, Any]:
        if self._opened is None:
            from feast.infra.online_stores.helpers import get_online_store_from_config

            config = feast_config(self._project)
            require_online_store(config)
            self._opened = config, get_online_store_from_config(config.online_store)
        return self._opened

    def _table(self, view: Definition) -> FeatureView:
        if view.digest not in self._tables:
            self._tables[view.digest] = _feast_view(view)
        return self._tables[view.digest]


@contextlib.contextmanager
def _feast_timestamps() -> Iterator[None]:
    """Read SQLite's timestamps as Feast wrote them, whichever converter was registered last.

    sqlite3 keeps converters by name for the whole process, and IPython's history registers another
    one of the same name.
    """
    store = sys.modules.get("feast.infra.online_stores.sqlite")
    converter = sqlite3.converters.get("TIMESTAMP")
    if store is None or converter is None:
        yield
        return
    sqlite3.register_converter("timestamp", store.convert_timestamp)
    try:
        yield
    finally:
        sqlite3.register_converter("timestamp", converter)


def _feast_view(view: Definition) -> FeatureView:
    """As much of a Feast view as an online store uses."""
    from feast import Entity, FeatureView, Field
    from feast.types import from_value_type
    from feast.value_type import ValueType

    fields = [
        Field(name=column.name, dtype=from_value_type(ValueType[column.type]))
        for column in [*view.keys, *view.features]
    ]
    entities = [
        Entity(name=column.name, join_keys=[column.name], value_type=ValueType[column.type])
        for column in view.keys
    ]
    return FeatureView(name=view.name, entities=entities, schema=fields, ttl=view.ttl)


def _entity_keys(view: Definition, entities: Sequence[Mapping[str, Any]]) -> list[Any]:
    from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    if not view.keys:
        return [
            EntityKey(
                join_keys=[DUMMY_ENTITY_ID], entity_values=[Value(string_val=DUMMY_ENTITY_VAL)]
            )
        ] * len(entities)
    names = [column.name for column in view.keys]
    columns = [_key_values(view, column, entities) for column in view.keys]
    return [
        EntityKey(join_keys=names, entity_values=values) for values in zip(*columns, strict=True)
    ]


def _key_values(
    view: Definition, column: Column, entities: Sequence[Mapping[str, Any]]
) -> list[Any]:
    from feast.type_map import python_values_to_proto_values
    from feast.value_type import ValueType

    for entity in entities:
        if entity.get(column.name) is None:
            given = ", ".join(f"`{name}`" for name in entity)
            names = [f"`{key.name}`" for key in view.keys]
            keys = f"key is {names[0]}" if len(names) == 1 else f"keys are {', '.join(names)}"
            raise BadRequest(
                f"{view.name} needs the key {column.name}.",
                f"You gave {given or 'nothing'}; the {keys}."
                if column.name not in entity
                else f"`{column.name}` is empty; the {keys}.",
                f"Give {', '.join(key.name for key in view.keys)}.",
            )
    try:
        key_values = [_key_value(entity[column.name], column.type) for entity in entities]
        values: list[Any] = python_values_to_proto_values(key_values, ValueType[column.type])
    except (
        TypeError,
        ValueError,
        AssertionError,
    ) as error:  # Feast asserts the type of a list's first value
        raise BadRequest(
            f"Key {column.name} of {view.name} has a value of a wrong type.",
            f"{error}.",
            f"It is {column.type.lower()}.",
        ) from error
    return values


def _key_value(value: Any, feast_type: str) -> Any:
    """A key in its type. Text is converted to that type, since forms and command lines have only
    text; `02134` stays text if the key is text. Raises ValueError for other values.

    Integers that pandas turned into floats count as integers.
    """
    if isinstance(value, list | dict):
        raise ValueError(f"a {type(value).__name__} cannot be a key")
    if isinstance(value, float) and feast_type.startswith("INT"):
        if not value.is_integer():
            raise ValueError(f"{value} is not a whole number")
        return int(value)
    if not isinstance(value, str) or feast_type not in _KEY_PARSERS:
        return value
    parse, expected = _KEY_PARSERS[feast_type]
    try:
        return parse(value.strip())
    except (ValueError, KeyError):
        raise ValueError(f"{value[:40]!r} is not {expected}") from None


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_KEY_PARSERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "INT32": (int, "a whole number"),
    "INT64": (int, "a whole number"),
    "FLOAT": (float, "a number"),
    "DOUBLE": (float, "a number"),
    "BOOL": (lambda text: {"true": True, "false": False}[text.lower()], "true or false"),
    "UNIX_TIMESTAMP": (_parse_time, "a time such as 2026-03-01T12:00:00Z"),
}
"""By Feast's type of a key: how text becomes such a key, and what it must be."""
