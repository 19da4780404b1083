"""Silences in `state.db`: nobody is told of an alert until a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from ...core.records import from_seconds, now, to_seconds
from ..rules.evaluator import AlertKey
from ..rules.spec import ThresholdRule
from ..spec import AlertSilence

if TYPE_CHECKING:
    from ...core.database import Database


class SilenceStore:
    """The silences of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, at: float) -> list[AlertSilence]:
        """Those that last beyond a time, the longest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert_silence WHERE until > ? ORDER BY until DESC", (at,)
            ).fetchall()
        return [_silence(row) for row in rows]

    def add(
        self,
        connection: sqlite3.Connection,
        *,
        monitor: str,
        rule: str,
        labels: Sequence[str] | None,
        until: datetime,
        user: str,
        why: str,
    ) -> int:
        """Add one; returns its number. monitor: empty for all; labels: None for all alerts."""
        row = connection.execute(
            "INSERT INTO alert_silence (monitor, rule, labels, begun_at, until, by_user, why)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                monitor,
                rule,
                None if labels is None else json.dumps(list(labels), ensure_ascii=False),
                to_seconds(now()),
                to_seconds(until),
                user,
                why,
            ),
        )
        return int(row.lastrowid or 0)

    def end(self, connection: sqlite3.Connection, number: int, user: str) -> AlertSilence:
        """End one now. Raises NotFound if it does not exist or has run out."""
        at = to_seconds(now())
        row = connection.execute(
            "UPDATE alert_silence SET until = ?, ended_by = ? WHERE number = ? AND until > ?"
            " RETURNING *",
            (at, user, number, at),
        ).fetchone()
        if row is None:
            raise NotFound(
                f"There is no silence {number}.",
                "It has run out, or was ended.",
                "mlinfra alerts silences shows those in force.",
            )
        return _silence(row)


def silence_of(
    silences: Sequence[AlertSilence], monitor: str, key: AlertKey
) -> AlertSilence | None:
    """The one of these that is about an alert; the first if there are several."""
    return next((item for item in silences if _covers(item, monitor, key)), None)


def muting(
    silences: Sequence[AlertSilence], monitor: str, rules: Sequence[ThresholdRule], clock: float
) -> Callable[[AlertKey, float], bool]:
    """Whether an alert of a monitor is silenced at a time, by a silence or by its rule's file.
    clock: a silence in force then covers all that was not told before, such as what is made up for.
    """
    written = {rule.name: rule.silence for rule in rules if rule.silence}

    def muted(key: AlertKey, at: float) -> bool:
        own = written.get(key[0])
        return (own is not None and at < own.until) or any(
            _covers(item, monitor, key) and (_in_force(item, at) or _in_force(item, clock))
            for item in silences
        )

    return muted


def _in_force(silence: AlertSilence, at: float) -> bool:
    return silence.begun_at.timestamp() <= at < silence.until.timestamp()


def _covers(silence: AlertSilence, monitor: str, key: AlertKey) -> bool:
    return (
        silence.monitor in ("", monitor)
        and silence.rule == key[0]
        and (silence.labels is None or tuple(silence.labels) == key[1])
    )


def _silence(row: sqlite3.Row) -> AlertSilence:
    return AlertSilence(
        number=row["number"],
        monitor=row["monitor"],
        rule=row["rule"],
        labels=None if row["labels"] is None else json.loads(row["labels"]),
        begun_at=from_seconds(row["begun_at"]),
        until=from_seconds(row["until"]),
        by=row["by_user"],
        why=row["why"],
        ended_by=row["ended_by"],
    )
