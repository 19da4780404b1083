"""Online stores that only Feast can read, and its own objects for writing to any of them.

Bundles of deployments have a copy of it, so it imports the standard library and its neighbours
alone, and Feast when it is used.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .feast_keys import NO_KEY
from .feast_stores import Column, Keys
from .feast_values import python_value

_AT_ONCE = 500
"""Keys in one question: databases accept a limited number of parameters."""


class FeastStore:
    """Feast's own online store; see `feast_stores.Store`. config: Feast's `RepoConfig`."""

    def __init__(self, config: Any) -> None:
        from feast.infra.online_stores.helpers import get_online_store_from_config

        self._config, self._store = config, get_online_store_from_config(config.online_store)

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `feast_stores.Store`."""
        table, names = feast_view(view, keys.types, features), list(features)
        protos = entity_keys(keys)
        found = {feature: Column([], []) for feature in features}
        for start in range(0, len(protos), _AT_ONCE):
            part = protos[start : start + _AT_ONCE]
            with feast_timestamps():
                answers = self._store.online_read(self._config, table, part, list(names))
            for at, values in answers:
                # For an absent key Redis answers with the year 1970.
                known = values if values and at and at.timestamp() else {}
                for feature, column in found.items():
                    stored = feature in known
                    column.at.append(_utc(at) if stored else None)
                    column.values.append(
                        python_value(known[feature], features[feature]) if stored else None
                    )
        return found


@contextlib.contextmanager
def feast_timestamps() -> Iterator[None]:
    """Let Feast read and write times in SQLite in its own way, whichever way was registered last.

    sqlite3 keeps converters and adapters by name and type for the whole process, and IPython's
    history registers others.
    """
    store = sys.modules.get("feast.infra.online_stores.sqlite")
    if store is None:
        yield
        return
    adapter = (datetime, sqlite3.PrepareProtocol)
    before = sqlite3.converters.get("TIMESTAMP"), sqlite3.adapters.get(adapter)
    sqlite3.register_converter("timestamp", store.convert_timestamp)
    sqlite3.register_adapter(datetime, store.adapt_datetime_epoch)
    try:
        yield
    finally:
        if before[0]:
            sqlite3.register_converter("timestamp", before[0])
        if before[1]:
            sqlite3.register_adapter(datetime, before[1])


def feast_view(name: str, keys: Mapping[str, str], features: Mapping[str, str]) -> Any:
    """As much of a Feast view as an online store uses. keys, features: Feast's types by name."""
    from feast import Entity, FeatureView, Field
    from feast.types import from_value_type
    from feast.value_type import ValueType

    fields = [
        Field(name=column, dtype=from_value_type(ValueType[kind]))
        for column, kind in {**keys, **features}.items()
    ]
    entities = [
        Entity(name=column, join_keys=[column], value_type=ValueType[kind])
        for column, kind in keys.items()
    ]
    return FeatureView(name=name, entities=entities, schema=fields)


def entity_keys(keys: Keys) -> list[Any]:
    """Feast's own messages for these keys."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    if not keys.types:
        return [EntityKey(join_keys=[NO_KEY], entity_values=[Value(string_val="")])] * len(
            keys.rows
        )
    names = list(keys.types)
    fields = [f"{kind.lower()}_val" for kind in keys.types.values()]
    return [EntityKey(join_keys=names, entity_values=_values(fields, row)) for row in keys.rows]


def _values(fields: Sequence[str], row: Sequence[Any]) -> list[Any]:
    from feast.protos.feast.types.Value_pb2 import Value

    return [Value(**{field: value}) for field, value in zip(fields, row, strict=True)]


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
