"""Monitors in `state.db`; the only module that writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core import events
from ..core.errors import Conflict, NotFound
from ..core.records import Number, from_seconds, now, to_seconds
from ..jobs import Alarm, clear_alarm, read_alarms, set_alarm
from .spec import AlertState, HourOfDrift, Monitor
from .state import as_of

if TYPE_CHECKING:
    from ..core.database import Database


ALARM = "monitors"
HOUR, HOURS = 3600, 24
"""So many hours of drift are noted."""


class MonitorStore:
    """The monitors of one project."""

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

    def save(self, monitor: Monitor, alerts: Callable[[sqlite3.Connection], None]) -> None:
        """Write one evaluation, with its event. alerts: writes those of the monitor in the same
        transaction.
        """
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT lately FROM monitor WHERE name = ?", (monitor.name,)
            ).fetchone()
            connection.execute(
                "UPDATE monitor SET state = ?, requests = ?, rows = ?, worst = ?, worst_psi = ?,"
                " worst_rows = ?, evaluated_at = ?, last_request_at = ?, lately = ? WHERE name = ?",
                (
                    monitor.state,
                    monitor.requests.value,
                    monitor.rows.value or 0,  # the column takes no null
                    monitor.worst,
                    monitor.worst_psi.value if monitor.worst_psi else None,
                    monitor.worst_psi.n if monitor.worst_psi else None,
                    to_seconds(monitor.evaluated_at),
                    to_seconds(monitor.last_request_at),
                    _noted(row["lately"], monitor) if row else "[]",
                    monitor.name,
                ),
            )
            events.append(connection, "monitor", monitor.ref, {"state": monitor.state})
            alerts(connection)


def _noted(lately: str, monitor: Monitor) -> str:
    """The hours of `lately` with one more evaluation."""
    hours = dict[int, float | None](json.loads(lately))
    if monitor.evaluated_at is None:
        return lately
    hour = int(monitor.evaluated_at.timestamp()) // HOUR * HOUR
    psi = monitor.worst_psi.value if monitor.worst_psi else None
    found = [value for value in (hours.get(hour), psi) if isinstance(value, int | float)]
    hours[hour] = max(found, default=None)
    return json.dumps(sorted(hours.items())[-HOURS:])


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
        lately=[
            HourOfDrift(at=from_seconds(hour), psi=psi) for hour, psi in json.loads(row["lately"])
        ],
    )
