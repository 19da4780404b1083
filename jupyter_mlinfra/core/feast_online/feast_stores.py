"""Feast's online stores that are read without Feast: one question to the store for all entities of
a view, and no message object for each value.

Bundles of deployments have a copy of these modules, so they import the standard library and each
other alone, and the client of a server when there is one to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .feast_columns import Column, Keys, Store
from .feast_postgres import PostgresStore
from .feast_redis import RedisStore
from .feast_sqlite import SqliteStore

__all__ = ["Column", "Keys", "PostgresStore", "RedisStore", "SqliteStore", "Store", "direct_store"]


def direct_store(settings: Mapping[str, Any], folder: Path) -> Store | None:
    """The online store that `feature_store.yaml` names, if it is one that can be read here. folder:
    what relative paths are relative to.
    """
    online = settings.get("online_store")
    if settings.get("entity_key_serialization_version", 3) != 3 or not online:
        return None
    options = dict(online) if isinstance(online, Mapping) else {"type": online}
    project = str(settings["project"])
    if options.get("type") in ("sqlite", "feast.infra.online_stores.sqlite.SqliteOnlineStore"):
        return SqliteStore(folder / str(options.get("path", "data/online.db")), project)
    plain = options.get("redis_type", "redis") == options.get("client", "redis") == "redis"
    if options.get("type") == "redis" and plain:
        return RedisStore(str(options.get("connection_string", "localhost:6379")), project)
    if options.get("type") in _POSTGRES:
        return PostgresStore(options, project)
    return None


_POSTGRES = (
    "postgres",
    "feast.infra.online_stores.postgres_online_store.postgres.PostgreSQLOnlineStore",
)
