"""Schedules and their firings in `state.db`. Every change sets the alarm in the same transaction,
so that no due time is missed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...core import events
from ...core.database import Database
from ...core.errors import Conflict, NotFound
from ...core.records import Page, check_limit, parse_cursor
from ...core.refs import named, reference
from ...jobs import Alarm, clear_alarm, set_alarm
from .decide import ON_TIME, Verdict
from .rows import FiringEntry, ScheduleEntry, columns_of, firing_entry, schedule_entry
from .spec import FiringState, ScheduleSpec, ScheduleState

ALARM = "schedules"
KEPT = 10_000
"""How many of a schedule's newest firings are kept."""
MISSED_DAYS = 30
WAITING_LOOK = timedelta(seconds=15)
"""How soon a firing is checked again that waits for another one to end."""
RUN_LOOK = timedelta(seconds=30)
"""How soon a running pipeline run is checked again: whether it has ended, or has lost its
driver.
"""
_OPEN = "(state = 'waiting' OR (state = 'started' AND over = 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waker:
    """The program that the alarm starts."""

    module: str
    arguments: Sequence[str]
    log: str


class ScheduleStore:
    """The tables of schedules. waker: what is started for the next due time."""

    def __init__(self, database: Database, waker: Waker) -> None:
        self._database = database
        self._waker = waker

    # Schedules

    def entry(self, name: str) -> ScheduleEntry:
        """The schedule of that name. Raises NotFound."""
        plain = named(name, "schedule")
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM schedule WHERE name = ?", (plain,)).fetchone()
        if row is None:
            raise NotFound(
                f"There is no schedule {plain}.",
                fix="mlinfra schedules list shows those there are.",
            )
        return schedule_entry(row)

    def entries(self) -> list[ScheduleEntry]:
        """All of them by name."""
        with self._database.read() as connection:
            return [
                schedule_entry(row)
                for row in connection.execute("SELECT * FROM schedule ORDER BY name").fetchall()
            ]

    def insert(self, spec: ScheduleSpec, *, user: str, at: datetime) -> ScheduleEntry:
        """A new schedule, due from now on. Raises Conflict if the name is taken."""
        columns = {
            **columns_of(spec),
            "name": spec.name,
            "state": "active",
            "user": user,
            "created_at": at.timestamp(),
            "handled_until": at.timestamp(),
        }
        try:
            with self._changing(at) as connection:
                marks = ", ".join("?" * len(columns))
                connection.execute(
                    f"INSERT INTO schedule ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608
                    list(columns.values()),
                )
                _append_event(connection, spec.name, "created")
        except sqlite3.IntegrityError:
            fix = f"mlinfra schedules update {spec.name} changes it."
            raise Conflict(
                f"There already is a schedule {spec.name}.",
                "Names of schedules are unique.",
                fix,
            ) from None
        return self.entry(spec.name)

    def update(self, entry: ScheduleEntry, spec: ScheduleSpec, *, at: datetime) -> ScheduleEntry:
        """Change everything but the name. New times count from now on, never for the past."""
        columns = columns_of(spec)
        if (spec.cron, spec.tz) != (entry.spec.cron, entry.spec.tz):
            columns["handled_until"] = at.timestamp()
        with self._changing(at) as connection:
            assignments = ", ".join(f"{name} = ?" for name in columns)
            connection.execute(
                f"UPDATE schedule SET {assignments} WHERE number = ?",  # noqa: S608
                [*columns.values(), entry.number],
            )
            _append_event(connection, spec.name, "updated")
        return self.entry(spec.name)

    def switch(self, entry: ScheduleEntry, to: ScheduleState, *, at: datetime) -> ScheduleEntry:
        """Pause or continue. Due times during a pause do not count as missed: it continues from
        now. One that is not paused is unchanged.
        """
        with self._changing(at) as connection:
            connection.execute(
                "UPDATE schedule SET state = ?, handled_until = ? WHERE number = ? AND state != ?",
                (str(to), at.timestamp(), entry.number, str(to)),
            )
            if to is ScheduleState.PAUSED:
                waiting = (
                    "UPDATE schedule_firing SET state = 'skipped', reason = 'The schedule was"
                    " paused.' WHERE schedule = ? AND state = 'waiting'"
                )
                connection.execute(waiting, (entry.number,))
            _append_event(connection, entry.spec.name, str(to))
        return self.entry(entry.spec.name)

    def delete(self, entry: ScheduleEntry, *, at: datetime) -> None:
        """Delete it with its history; what it started continues."""
        with self._changing(at) as connection:
            connection.execute("DELETE FROM schedule WHERE number = ?", (entry.number,))
            _append_event(connection, entry.spec.name, "deleted")

    def fingerprint(self) -> str:
        """Changes when a schedule is created, changed or deleted."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, state, cron, tz, pipeline, job FROM schedule ORDER BY number"
            ).fetchall()
        return json.dumps([tuple(row) for row in rows])

    # The alarm

    def rearm(self, *, at: datetime) -> None:
        """Set the alarm for the next due time, or for the next check of what waits or runs."""
        with self._changing(at):
            pass

    def armed(self) -> bool:
        """Whether the alarm is set."""
        with self._database.read() as connection:
            return (
                connection.execute("SELECT 1 FROM alarm WHERE name = ?", (ALARM,)).fetchone()
                is not None
            )

    def disarm(self) -> None:
        """No due time is checked until `rearm`."""
        with self._database.write() as connection:
            clear_alarm(connection, ALARM)

    @contextmanager
    def _changing(self, at: datetime) -> Iterator[sqlite3.Connection]:
        with self._database.write() as connection:
            yield connection
            self._rearm(connection, at)

    def _rearm(self, connection: sqlite3.Connection, at: datetime) -> None:
        rows = connection.execute("SELECT * FROM schedule WHERE state = 'active'").fetchall()
        # If the clock was ahead and is right again, what was computed from it no longer holds.
        moments = [
            due
            for entry in map(schedule_entry, rows)
            if not entry.problem
            for due in entry.spec.calendar.next(1, min(entry.handled_until, at))
        ]
        open_firings = connection.execute(
            f"SELECT DISTINCT state, run IS NOT NULL AS has_run FROM schedule_firing WHERE {_OPEN}"  # noqa: S608
        )
        moments += [
            at + (WAITING_LOOK if row["state"] == "waiting" else RUN_LOOK)
            for row in open_firings
            if row["state"] == "waiting" or row["has_run"]
        ]
        if not moments:
            clear_alarm(connection, ALARM)
            return
        waker = self._waker
        due_at = min(moment.timestamp() for moment in moments)
        set_alarm(
            connection,
            Alarm(
                name=ALARM,
                due_at=due_at,
                set_at=at.timestamp(),
                module=waker.module,
                arguments=waker.arguments,
                log=waker.log,
            ),
        )

    # Firings

    def record(
        self, entry: ScheduleEntry, verdicts: Sequence[Verdict], *, until: datetime, at: datetime
    ) -> bool:
        """Record what happens to the due times up to `until`; returns false, and records nothing,
        if another process has done so or changed the schedule.
        """
        rows = [
            {
                "schedule": entry.number,
                "at": at.timestamp(),
                "due": verdict.due.timestamp(),
                "cause": verdict.cause,
                "state": str(verdict.state),
                "reason": verdict.reason,
            }
            for verdict in verdicts
        ]
        with self._database.write() as connection:
            same = (until.timestamp(), entry.number, entry.handled_until.timestamp())
            if not connection.execute(
                "UPDATE schedule SET handled_until = ? WHERE number = ? AND handled_until = ? AND"
                " state = 'active'",
                same,
            ).rowcount:
                return False
            # A due time that the clock passes again, because it was set back, already has its row;
            # what was met in time is not caught up.
            connection.executemany(
                "INSERT OR IGNORE INTO schedule_firing (schedule, due, cause, state, reason,"
                " decided_at) SELECT :schedule, :due, :cause, :state, :reason, :at WHERE :cause ="
                " 'clock' OR EXISTS (SELECT 1 FROM schedule_firing WHERE schedule = :schedule AND"
                " due = :due AND cause = 'clock' AND state = 'missed')",
                rows,
            )
            old = (
                "SELECT number FROM schedule_firing WHERE schedule = ? ORDER BY due DESC, number"
                " DESC LIMIT -1 OFFSET ?"
            )
            connection.execute(
                f"DELETE FROM schedule_firing WHERE number IN ({old}) AND NOT {_OPEN}",  # noqa: S608
                (entry.number, KEPT),
            )
            if verdicts:
                _append_event(connection, entry.spec.name, "due")
        return True

    def set_back(self, entry: ScheduleEntry, *, to: datetime) -> None:
        """The clock shows less than at the last check: due times missed by then are not due yet, or
        are due now.

        What was started stays, and is not started again.
        """
        met = (
            "schedule = ? AND due > ? AND cause = 'clock' AND NOT EXISTS (SELECT 1 FROM"
            " schedule_firing AS c WHERE c.schedule = f.schedule AND c.due = f.due AND c.cause ="
            " 'catchup')"
        )
        not_yet = (
            f"DELETE FROM schedule_firing AS f WHERE {met}"  # noqa: S608 - fixed words
            " AND state IN ('missed', 'skipped', 'failed')"
        )
        just_now = (
            "UPDATE schedule_firing AS f SET state = 'waiting', reason = ''"  # noqa: S608
            f" WHERE {met} AND state = 'missed'"
        )
        with self._database.write() as connection:
            same = (to.timestamp(), entry.number, entry.handled_until.timestamp())
            if connection.execute(
                "UPDATE schedule SET handled_until = ? WHERE number = ? AND handled_until = ?", same
            ).rowcount:
                connection.execute(not_yet, (entry.number, to.timestamp()))
                connection.execute(just_now, (entry.number, (to - ON_TIME).timestamp()))

    def by_hand(
        self, entry: ScheduleEntry, due: datetime, *, user: str, at: datetime
    ) -> FiringEntry:
        """A user wants it to run for that due time."""
        values = (entry.number, due.timestamp(), user, at.timestamp())
        # The requesting process may be killed before it is started.
        with self._changing(at) as connection:
            number = connection.execute(
                "INSERT INTO schedule_firing (schedule, due, cause, state, by_user, decided_at)"
                " VALUES (?, ?, 'hand', 'waiting', ?, ?)",
                values,
            ).lastrowid
            return firing_entry(
                connection.execute(
                    "SELECT * FROM schedule_firing WHERE number = ?", (number,)
                ).fetchone()
            )

    def firing(self, number: int) -> FiringEntry:
        """One of them."""
        with self._database.read() as connection:
            return firing_entry(
                connection.execute(
                    "SELECT * FROM schedule_firing WHERE number = ?", (number,)
                ).fetchone()
            )

    def was_due(self, entry: ScheduleEntry, due: datetime) -> bool:
        """Whether the clock has reached this due time, even if the schedule has other times
        by now.
        """
        query = "SELECT 1 FROM schedule_firing WHERE schedule = ? AND due = ? AND cause = 'clock'"
        with self._database.read() as connection:
            return connection.execute(query, (entry.number, due.timestamp())).fetchone() is not None

    def unsettled(self, entry: ScheduleEntry) -> list[FiringEntry]:
        """Firings that wait, or whose run was not seen to end, oldest first."""
        with self._database.read() as connection:
            query = (
                f"SELECT * FROM schedule_firing WHERE schedule = ? AND {_OPEN} ORDER BY due, number"  # noqa: S608 - fixed words
            )
            return [
                firing_entry(row) for row in connection.execute(query, (entry.number,)).fetchall()
            ]

    def started(
        self,
        entry: ScheduleEntry,
        firing: FiringEntry,
        *,
        run: str | None,
        job: str | None,
        at: datetime,
    ) -> FiringEntry:
        """Record what it started."""
        return self._move(
            entry,
            firing,
            FiringState.STARTED,
            reason="",
            run=run,
            job=job,
            started_at=at.timestamp(),
        )

    def settle(
        self, entry: ScheduleEntry, firing: FiringEntry, to: FiringState, reason: str
    ) -> FiringEntry:
        """Record that it still waits, is skipped or has failed, or that its run was continued, with
        a reason.
        """
        return (
            firing
            if (to, reason) == (firing.state, firing.reason)
            else self._move(entry, firing, to, reason=reason)
        )

    def over(self, firing: FiringEntry) -> None:
        """Record that what it started has ended."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE schedule_firing SET over = 1 WHERE number = ?", (firing.number,)
            )

    def page(self, entry: ScheduleEntry, *, limit: int, cursor: str | None) -> Page[FiringEntry]:
        """The history, newest due time first; the cursor is an offset."""
        check_limit(limit)
        start = parse_cursor(cursor)
        with self._database.read() as connection:
            total = connection.execute(
                "SELECT count(*) FROM schedule_firing WHERE schedule = ?", (entry.number,)
            ).fetchone()[0]
            query = (
                "SELECT * FROM schedule_firing WHERE schedule = ? ORDER BY due DESC, number DESC"
                " LIMIT ? OFFSET ?"
            )
            items = [
                firing_entry(row)
                for row in connection.execute(query, (entry.number, limit, start)).fetchall()
            ]
        end = start + len(items)
        return Page(
            items=items, shown=len(items), total=total, cursor=str(end) if end < total else None
        )

    def missed(self, entry: ScheduleEntry, *, at: datetime) -> int:
        """Due times of the last days that were missed and that nobody has run by hand since."""
        query = (
            "SELECT count(*) FROM schedule_firing AS m WHERE schedule = ? AND state = 'missed' AND"
            " due > ? AND due <= ? AND NOT EXISTS (SELECT 1 FROM schedule_firing AS h WHERE"
            " h.schedule = m.schedule AND h.due = m.due AND h.cause = 'hand' AND h.state ="
            " 'started')"
        )
        with self._database.read() as connection:
            # None from a clock that was ahead.
            span = ((at - timedelta(days=MISSED_DAYS)).timestamp(), at.timestamp())
            return int(connection.execute(query, (entry.number, *span)).fetchone()[0])

    def _move(
        self,
        entry: ScheduleEntry,
        firing: FiringEntry,
        to: FiringState,
        *,
        reason: str,
        **columns: Any,
    ) -> FiringEntry:
        columns |= {"state": str(to), "reason": reason}
        assignments = ", ".join(f"{name} = ?" for name in columns)
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE schedule_firing SET {assignments} WHERE number = ?",  # noqa: S608
                [*columns.values(), firing.number],
            )
            _append_event(connection, entry.spec.name, str(to))
        return self.firing(firing.number)


def _append_event(connection: sqlite3.Connection, name: str, change: str) -> None:
    events.append(connection, "schedule", reference("schedule", name), {"change": change})
