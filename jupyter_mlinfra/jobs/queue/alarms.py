"""Alarms: programs that the supervisor starts at a time of the wall clock, for domains that it does
not know.

The started program sets the next alarm, or none. Until then the same alarm runs again after a
while, so that a killed program loses nothing; the program itself must make sure that two of it do
no harm (by a lock).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.database import Database

ROOT = "{root}"
"""As an argument of an alarm: the folder where the project is when the alarm is due, which may have
been moved since it was set.
"""
SET_BACK_SECONDS = 1.0
"""If the clock is more than this behind the time when an alarm was set, it was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """`python -m MODULE ARGUMENTS…`, at `due_at` (seconds since 1970). set_at: the clock when it
    was set. log: file for its output, below the state folder or absolute.
    """

    name: str
    due_at: float
    set_at: float
    module: str
    arguments: Sequence[str]
    log: str

    def is_due(self, at: float) -> bool:
        """Whether it is due at this time; also if the clock was set back, since its time was
        computed from a wrong clock.
        """
        return at >= self.due_at or at < self.set_at - SET_BACK_SECONDS


def set_alarm(connection: sqlite3.Connection, alarm: Alarm) -> None:
    """Set or replace it, in the open transaction."""
    values = (
        alarm.name,
        alarm.due_at,
        alarm.set_at,
        alarm.module,
        json.dumps(list(alarm.arguments)),
        alarm.log,
    )
    connection.execute(
        "INSERT OR REPLACE INTO alarm (name, due_at, set_at, module, arguments, log) VALUES (?, ?,"
        " ?, ?, ?, ?)",
        values,
    )


def clear_alarm(connection: sqlite3.Connection, name: str) -> None:
    """Remove it, in the open transaction."""
    connection.execute("DELETE FROM alarm WHERE name = ?", (name,))


def read_alarms(database: Database) -> list[Alarm]:
    """All alarms, the first one first."""
    with database.read() as connection:
        rows = connection.execute("SELECT * FROM alarm ORDER BY due_at").fetchall()
    return [Alarm(**{**dict(row), "arguments": json.loads(row["arguments"])}) for row in rows]
