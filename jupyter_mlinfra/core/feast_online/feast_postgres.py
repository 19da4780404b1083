"""Feast's PostgreSQL online store, read without Feast.

Source: `feast.infra.online_stores.postgres_online_store.postgres`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from .feast_columns import Column, Keys, Moments, column_of, even
from .feast_keys import serialized

POSTGRES_SECONDS = 5
"""How long a PostgreSQL may take to connect, to answer a question, or to be silent."""

_SSL = {
    "sslmode": "sslmode",
    "sslkey_path": "sslkey",
    "sslcert_path": "sslcert",
    "sslrootcert_path": "sslrootcert",
    "keepalives_idle": "keepalives_idle",
}
"""Options of `feature_store.yaml` under their names in libpq."""


class PostgresStore:
    """Feast's tables in a PostgreSQL, over one connection. options: those of the online store in
    `feature_store.yaml`.
    """

    def __init__(self, options: Mapping[str, Any], project: str) -> None:
        import psycopg

        self._connect, self._lost = psycopg.connect, psycopg.OperationalError
        self._options, self._project = _libpq(options), project
        self._opened: Any = None
        self._moments = Moments(_utc)

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """See `Store`. Raises psycopg.Error."""
        names, wanted = serialized(*keys), list(features)
        rows = self._rows(_question(f"{self._project}_{view}"), (names, wanted)) if names else []
        cells = even(rows, len(names), wanted) or _by_place(rows, len(names), wanted)
        return {
            feature[0]: column_of(cells[2 * place], cells[2 * place + 1], feature, self._moments)
            for place, feature in enumerate(features.items())
        }

    def _rows(self, question: Any, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The answer. A connection that was lost since the last question is made anew."""
        if self._opened is not None and not self._opened.closed:
            try:
                return self._asked(question, given)
            except self._lost:
                if not self._opened.closed:
                    raise
        self._opened = self._connect(**self._options, autocommit=True)
        return self._asked(question, given)

    def _asked(self, question: Any, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._opened.execute(question, given, binary=True).fetchall()
        return found


def _libpq(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a connection, with Feast's defaults."""
    user = str(options.get("user", ""))
    path = str(options.get("db_schema", "public") or user).strip()
    if path != "public":
        path += ",public"
    limit = 1000 * POSTGRES_SECONDS
    named = {libpq: options[name] for name, libpq in _SSL.items() if options.get(name) is not None}
    return {
        "host": options.get("host"),
        "port": options.get("port", 5432),
        "dbname": options.get("database"),
        "user": user,
        "password": options.get("password"),
        "sslmode": "require",
        "connect_timeout": POSTGRES_SECONDS,
        "tcp_user_timeout": limit,
        **named,
        "options": f"-c search_path={path} -c statement_timeout={limit}",
    }


@lru_cache(maxsize=64)
def _question(table: str) -> Any:
    """All that is stored of each key, in their order and that of the features' names; a row of
    nulls for one that is not there. Feast writes UTC as a time of the session's zone.
    """
    from psycopg.sql import SQL, Identifier

    return SQL(
        "SELECT t.feature_name, t.value, t.event_ts::timestamp, k.place"
        " FROM unnest(%b::bytea[]) WITH ORDINALITY AS k (name, place)"
        " LEFT JOIN {} AS t ON t.entity_key = k.name AND t.feature_name = ANY(%b)"
        " ORDER BY k.place, t.feature_name"
    ).format(Identifier(table))


def _by_place(
    rows: Sequence[tuple[Any, ...]], names: int, features: Sequence[str]
) -> Sequence[Sequence[Any]]:
    """As `even`, of names with different features. The last cell of a row is the place of its name,
    from 1.
    """
    cells: dict[str, tuple[list[Any], list[Any]]] = {
        feature: ([None] * names, [None] * names) for feature in features
    }
    for feature, value, at, place in rows:
        if feature is not None:
            cells[feature][0][place - 1], cells[feature][1][place - 1] = value, at
    return [cell for pair in cells.values() for cell in pair]


def _utc(stored: datetime) -> datetime:
    return stored.replace(tzinfo=UTC)
