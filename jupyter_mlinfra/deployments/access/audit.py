"""The audit log: who changed what of which deployment. It outlives the deployment, and the database
refuses to change or remove an entry.
"""

from __future__ import annotations

import platform
import sqlite3
from typing import TYPE_CHECKING

from ...core.newest import newest_first
from ...core.records import Page, from_seconds, now, to_seconds
from .records import AuditEntry

if TYPE_CHECKING:
    from ...core.database import Database


def note(
    connection: sqlite3.Connection,
    deployment: str,
    *,
    verb: str,
    user: str,
    text: str,
    reason: str = "",
) -> None:
    """Add an entry to the transaction that is open on `connection`. text: never a secret."""
    connection.execute(
        'INSERT INTO deployment_audit (at, user, "on", verb, deployment, text, reason)'
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (to_seconds(now()), user, platform.node(), verb, deployment, text, reason),
    )


def entries(
    database: Database, deployment: str | None, *, limit: int, cursor: str | None
) -> Page[AuditEntry]:
    """Entries, newest first; of one deployment or of all."""
    where, values = ("1", ()) if deployment is None else ("deployment = ?", (deployment,))
    with database.read() as connection:
        return newest_first(
            connection,
            "deployment_audit",
            _entry,
            where=where,
            values=values,
            limit=limit,
            cursor=cursor,
        )


def _entry(row: sqlite3.Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=from_seconds(row["at"]),
        user=row["user"],
        on=row["on"],
        verb=row["verb"],
        deployment=row["deployment"],
        text=row["text"],
        reason=row["reason"],
    )
