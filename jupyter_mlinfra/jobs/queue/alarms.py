"""Alarms: programs that the supervisor starts at a time of the wall clock, for domains that it does
not know.

Whoever is woken sets the next alarm, or none. Until then the same alarm is given again after a
while, so a program that is killed loses nothing; that two of it do no harm is its own affair (a
lock).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.database import Database

SET_BACK_SECONDS = 1.0
"""A clock that is behind the setting of an alarm by more was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """`python -m MODULE ARGUMENTS…`, at `due_at` (seconds since 1970). set_at: what the clock
    showed when it was set. log: file for its words.
    """

    name: str
    due_at: float
    set_at: float
    module: str
    arguments: Sequence[str]
    log: str

    def is_due(self, at: float) -> bool:
        """Whether it is to be given at this time: also when the clock was set back, since what was
        reckoned from it no longer holds.
        """
        return at >= self.due_at or at < self.set_at - SET_BACK_SECONDS


def set_alarm(connection: sqlite3.Connection, alarm: Alarm) -> None:
    """Set it, or set it anew, in the transaction under way."""
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
    """Take it away, in the transaction under way."""
    connection.execute("DELETE FROM alarm WHERE name = ?", (name,))


def read_alarms(database: Database) -> list[Alarm]:
    """All of them, the first one first."""
    with database.read() as connection:
        rows = connection.execute("SELECT * FROM alarm ORDER BY due_at").fetchall()
    return [Alarm(**{**dict(row), "arguments": json.loads(row["arguments"])}) for row in rows]
