"""The event log: written in the same transaction as the change it reports, and read by followers
(an outbox).

Each domain declares its topics. The server extension forwards new events to Jupyter's event bus.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .records import from_seconds, now, to_json, to_seconds

if TYPE_CHECKING:
    from .database import Database

_log = logging.getLogger(__name__)
KEEP = 10_000
"""Older events are dropped; the domains' tables hold the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was committed. ref: the reference of the object. data: small, no secrets."""

    id: int
    at: str
    topic: str
    ref: str
    data: dict[str, Any]


def append(
    connection: sqlite3.Connection, topic: str, ref: str, data: Mapping[str, Any] | None = None
) -> None:
    """Add an event to the transaction that is open on `connection`."""
    row = connection.execute(
        "INSERT INTO event (at, topic, ref, data) VALUES (?, ?, ?, ?)",
        (to_seconds(now()), topic, ref, json.dumps(to_json(dict(data or {})))),
    )
    if row.lastrowid and row.lastrowid % 1000 == 0:
        connection.execute("DELETE FROM event WHERE id <= ?", (row.lastrowid - KEEP,))


@contextlib.contextmanager
def telling(done: str) -> Iterator[None]:
    """For events and lineage of something already done: an error in the block is logged, and never
    reported as a failure of what was done.

    done: what happened, such as `version:m/3 is registered`.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001  # a full disk, a busy database, a library that is missing
        _log.warning("%s, but its event was not recorded: %s", done, error)


class EventLog:
    """The event log of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def emit(self, topic: str, ref: str, data: Mapping[str, Any] | None = None) -> None:
        """Add an event in a transaction of its own, for domains whose truth is not in
        `state.db`.
        """
        with self._database.write() as connection:
            append(connection, topic, ref, data)

    def last_id(self) -> int:
        """Id of the newest event, 0 when there is none."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])

    def newest(self, topic: str) -> Mapping[str, int]:
        """Id of the newest event of each object of a topic, by its reference."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT ref, max(id) FROM event WHERE topic = ? GROUP BY ref", (topic,)
            ).fetchall()
        return {row[0]: int(row[1]) for row in rows}

    def after(self, last: int, *, limit: int = 500) -> list[Event]:
        """Events with an id above `last`, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM event WHERE id > ? ORDER BY id LIMIT ?", (last, limit)
            ).fetchall()
        return [
            Event(
                id=row["id"],
                at=_text_of(row["at"]),
                topic=row["topic"],
                ref=row["ref"],
                data=json.loads(row["data"]),
            )
            for row in rows
        ]


def _text_of(at: float | str) -> str:
    """A time as events show it. A kernel that runs since before an upgrade still writes text."""
    return at if isinstance(at, str) else str(to_json(from_seconds(at)))
