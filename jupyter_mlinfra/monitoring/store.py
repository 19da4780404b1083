"""Monitors and alerts in `state.db`; the only module that writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core import events
from ..core.errors import Conflict, NotFound
from ..core.records import Number, from_seconds, now, to_seconds
from ..jobs import Alarm, clear_alarm, read_alarms, set_alarm
from .spec import Alert, AlertState, Monitor
from .state import STALE, WORST_FIRST, as_of

if TYPE_CHECKING:
    from ..core.database import Database


ALARM = "monitors"


class MonitorStore:
    """The two tables of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, deployment: str, user: str) -> Monitor:
        """Add a monitor, with an event; an existing one stays as it is. Raises Conflict if that
        watches another deployment.
        """
        with self._database.write() as connection:
            existing = connection.execute(
                "SELECT deployment FROM monitor WHERE name = ?", (name,)
            ).fetchone()
            if existing is None:
                connection.execute(
                    "INSERT INTO monitor (name, deployment, created_at, created_by, state,"
                    " requests, rows, worst) VALUES (?, ?, ?, ?, 'no_data', 0, 0, '')",
                    (name, deployment, to_seconds(now()), user),
                )
                events.append(connection, "monitor", f"monitor:{name}", {"state": "no_data"})
            elif existing["deployment"] != deployment:
                raise Conflict(
                    f"Monitor {name} watches {existing['deployment']}.",
                    fix="Choose another name.",
                )
        return self.show(name)

    def alarm(self) -> Alarm | None:
        """The alarm of the next evaluation, None if it is not set."""
        return next((item for item in read_alarms(self._database) if item.name == ALARM), None)

    def set_alarm(self, alarm: Alarm) -> None:
        """Have the supervisor start the next evaluation."""
        with self._database.write() as connection:
            set_alarm(connection, alarm)

    def clear_alarm(self) -> None:
        """There is nothing to evaluate."""
        with self._database.write() as connection:
            clear_alarm(connection, ALARM)

    def show(self, name: str) -> Monitor:
        """One monitor. Raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM monitor WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(f"There is no monitor {name}.", fix=f"mlinfra monitors watch {name}")
        return _monitor(row)

    def monitors(self) -> list[Monitor]:
        """All monitors, by name."""
        with self._database.read() as connection:
            return [
                _monitor(row) for row in connection.execute("SELECT * FROM monitor ORDER BY name")
            ]

    def alerts(self, monitor: str | None = None) -> list[Alert]:
        """Firing first, then pending, no data, ok; newest first within a state."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert WHERE monitor = coalesce(?, monitor)", (monitor,)
            ).fetchall()
        # Here, since states and times depend on the present.
        newest_first = sorted(map(_alert, rows), key=lambda alert: alert.since, reverse=True)
        return sorted(newest_first, key=lambda alert: WORST_FIRST.index(alert.state))

    def save(self, monitor: Monitor, alerts: Sequence[Alert]) -> None:
        """Write one evaluation, with its event and one for each alert whose state changed."""
        with self._database.write() as connection:
            state_before = {
                row["rule"]: row["state"]
                for row in connection.execute(
                    "SELECT rule, state FROM alert WHERE monitor = ?", (monitor.name,)
                )
            }
            connection.execute(
                "UPDATE monitor SET state = ?, requests = ?, rows = ?, worst = ?, worst_psi = ?,"
                " worst_rows = ?, evaluated_at = ?, last_request_at = ? WHERE name = ?",
                (
                    monitor.state,
                    monitor.requests.value,
                    monitor.rows.value or 0,  # the column takes no null
                    monitor.worst,
                    monitor.worst_psi.value if monitor.worst_psi else None,
                    monitor.worst_psi.n if monitor.worst_psi else None,
                    to_seconds(monitor.evaluated_at),
                    to_seconds(monitor.last_request_at),
                    monitor.name,
                ),
            )
            events.append(connection, "monitor", monitor.ref, {"state": monitor.state})
            for alert in alerts:
                _write(connection, alert)
                if state_before.get(alert.name) != alert.state:
                    events.append(
                        connection,
                        "alert",
                        alert.ref,
                        {"state": alert.state, "monitor": alert.monitor, "text": alert.text},
                    )


def _write(connection: sqlite3.Connection, alert: Alert) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO alert (monitor, rule, state, severity, value, rows, threshold,"
        " subject, text, since, evaluated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            alert.monitor,
            alert.name,
            alert.state,
            alert.severity,
            alert.value.value if alert.value else None,
            alert.value.n if alert.value else None,
            alert.threshold,
            alert.subject,
            alert.text,
            to_seconds(alert.since),
            to_seconds(alert.evaluated_at),
        ),
    )


def _monitor(row: sqlite3.Row) -> Monitor:
    evaluated_at = from_seconds(row["evaluated_at"])
    return Monitor(
        ref=f"monitor:{row['name']}",
        name=row["name"],
        deployment=row["deployment"],
        state=as_of(AlertState(row["state"]), evaluated_at, now()),
        requests=Number(value=row["requests"]),
        # Without requests: not measured. Evaluations of early versions stored only the rows.
        rows=Number(value=row["rows"] if row["requests"] is not None else row["rows"] or None),
        worst=row["worst"],
        worst_psi=(
            None
            if row["worst_psi"] is None
            else Number(value=row["worst_psi"], n=row["worst_rows"])
        ),
        evaluated_at=evaluated_at,
        last_request_at=from_seconds(row["last_request_at"]),
    )


def _alert(row: sqlite3.Row) -> Alert:
    evaluated_at, stored_state = from_seconds(row["evaluated_at"]), AlertState(row["state"])
    state = as_of(stored_state, evaluated_at, now())
    stale = evaluated_at is not None and state is not stored_state
    return Alert(
        ref=f"alert:{row['monitor']}/{row['rule']}",
        name=row["rule"],
        monitor=row["monitor"],
        state=state,
        severity=row["severity"],
        value=None if row["value"] is None else Number(value=row["value"], n=row["rows"]),
        threshold=row["threshold"],
        subject=row["subject"],
        since=evaluated_at + STALE if stale else from_seconds(row["since"]),
        evaluated_at=evaluated_at,
        text=(
            f"not judged for over {STALE.total_seconds() / 3600:.0f} hours; before: {row['text']}"
            if stale
            else row["text"]
        ),
    )
