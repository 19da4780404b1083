"""Messages to receivers in `state.db`: an outbox, written with the change that it tells of."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.records import Page, from_seconds, page_of
from .spec import Delivery

if TYPE_CHECKING:
    from ...core.database import Database

KEEP = 1000
"""Messages that are over and still listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that is due. id: the same at each try."""

    number: int
    id: str
    receiver: str
    body: bytes
    attempts: int
    created_at: float


class DeliveryStore:
    """The outbox of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, at: float) -> Sequence[Message]:
        """Those to be tried now, oldest first. While an older one of the same receiver waits for
        its next try, the others wait behind it: nobody hears of an end before the begin.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert_delivery AS message WHERE state = 'waiting' AND next_at <= ?"
                " AND NOT EXISTS (SELECT 1 FROM alert_delivery AS older WHERE older.receiver ="
                " message.receiver AND older.state = 'waiting' AND older.number < message.number"
                " AND older.next_at > ?) ORDER BY number",
                (at, at),
            ).fetchall()
        return [
            Message(
                number=row["number"],
                id=row["id"],
                receiver=row["receiver"],
                body=row["body"].encode(),
                attempts=row["attempts"],
                created_at=row["created_at"],
            )
            for row in rows
        ]

    def next_at(self) -> float | None:
        """When the next one is to be tried; None if none waits."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT min(next_at) AS at FROM alert_delivery WHERE number IN (SELECT min(number)"
                " FROM alert_delivery WHERE state = 'waiting' GROUP BY receiver)"
            ).fetchone()
        return None if row["at"] is None else float(row["at"])

    def delivered(self, message: Message) -> None:
        """It has arrived."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE alert_delivery SET state = 'delivered', attempts = attempts + 1,"
                " error = '' WHERE number = ?",
                (message.number,),
            )
            connection.execute(
                "DELETE FROM alert_delivery WHERE state != 'waiting' AND number <= ?",
                (message.number - KEEP,),
            )

    def failed(self, message: Message, error: str, *, next_at: float | None) -> None:
        """It has not arrived. next_at: None if it is given up."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE alert_delivery SET state = ?, attempts = attempts + 1, error = ?,"
                " next_at = coalesce(?, next_at) WHERE number = ?",
                ("given_up" if next_at is None else "waiting", error, next_at, message.number),
            )

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Delivery]:
        """Newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert_delivery ORDER BY number DESC LIMIT ?", (2 * KEEP,)
            ).fetchall()
        return page_of([_delivery(row) for row in rows], limit=limit, cursor=cursor)


def queue(
    connection: sqlite3.Connection, receiver: str, body: Mapping[str, Any], at: float
) -> None:
    """Add a message to the transaction that is open on `connection`."""
    connection.execute(
        "INSERT INTO alert_delivery (id, receiver, body, state, created_at, next_at)"
        " VALUES (?, ?, ?, 'waiting', ?, ?)",
        (f"msg_{uuid.uuid4().hex}", receiver, json.dumps(body, ensure_ascii=False), at, at),
    )


def _delivery(row: sqlite3.Row) -> Delivery:
    waits = row["state"] == "waiting"
    return Delivery(
        id=row["id"],
        receiver=row["receiver"],
        state=row["state"],
        created_at=from_seconds(row["created_at"]),
        next_at=from_seconds(row["next_at"]) if waits else None,
        attempts=row["attempts"],
        error=row["error"],
    )
