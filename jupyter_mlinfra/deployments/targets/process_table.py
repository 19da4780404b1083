"""The processes that the local target has started, recorded so that the next keeper finds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.processes import Identity
from ...core.records import from_seconds, to_seconds

if TYPE_CHECKING:
    from ...core.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One process; it is found again by `token` and known by `identity`."""

    token: str
    deployment: str
    version: str
    slot: int
    identity: Identity
    started_at: datetime


class ProcessTable:
    """The recorded processes of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[ProcessRow]:
        """Processes that were started and whose end has not been seen."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM deployment_process ORDER BY deployment, version, slot"
            ).fetchall()
        return [
            ProcessRow(
                token=row["token"],
                deployment=row["deployment"],
                version=row["version"],
                slot=row["slot"],
                identity=Identity(row["boot"], row["pid"], row["start"]),
                started_at=from_seconds(row["started_at"]),
            )
            for row in rows
        ]

    def add(self, row: ProcessRow) -> None:
        """Record a process before it is used, so that a keeper finds it again after a kill."""
        identity = row.identity
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO deployment_process VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.token,
                    row.deployment,
                    row.version,
                    row.slot,
                    identity.boot,
                    identity.pid,
                    identity.start,
                    to_seconds(row.started_at),
                ),
            )

    def drop(self, token: str) -> None:
        """Remove a process that has ended."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM deployment_process WHERE token = ?", (token,))
