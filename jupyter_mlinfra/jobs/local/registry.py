"""The supervisor's entry in `state.db`: its identity, where it listens, what it was started
with.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from ...core.daemons.registration import Registration
from ...core.database import Database
from ...core.processes import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Registration):
    """The supervisor that was started last. If a user asked it to end, it starts no job."""

    started_at: datetime
    cpus: int
    gpus: int


class SupervisorRegistry:
    """The entry of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Registered | None:
        """The last entry, None before the first supervisor."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM supervisor").fetchone()
        if row is None:
            return None
        return Registered(
            process=Identity(row["boot"], row["pid"], row["start"]),
            started_at=datetime.fromtimestamp(row["started_at"], UTC),
            socket=row["socket"],
            settings=row["settings"],
            cpus=row["cpus"],
            gpus=row["gpus"],
            stopped=bool(row["stopped"]),
        )

    def write(self, entry: Registered) -> None:
        """Replace the entry."""
        who = entry.process
        values = (
            who.boot,
            who.pid,
            who.start,
            entry.started_at.timestamp(),
            entry.socket,
            entry.settings,
            entry.cpus,
            entry.gpus,
            entry.stopped,
        )
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO supervisor VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )

    def mark(self, *, stopped: bool) -> None:
        """Record whether a user wants no supervisor, also before the first one."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO supervisor VALUES (1, '', 0, 0, ?, '', '', 0, 0, ?)"
                " ON CONFLICT DO UPDATE SET stopped = excluded.stopped",
                (time.time(), stopped),
            )
