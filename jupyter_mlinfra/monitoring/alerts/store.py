"""Alerts and their history in `state.db`; the only module that writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from typing import TYPE_CHECKING

from ...core import events
from ...core.errors import NotFound
from ...core.newest import newest_first
from ...core.records import Number, Page, from_seconds, now, to_seconds
from ...core.refs import decoded, reference
from ..rules.evaluator import AlertKey
from ..rules.spec import Key, Operator
from ..spec import Acknowledgement, Alert, AlertSilence, AlertState
from ..state import STALE, WORST_FIRST, Track, as_of
from .silences import SilenceStore, silence_of
from .spec import AlertChange

if TYPE_CHECKING:
    from ...core.database import Database

HISTORY = 500
"""Lines of an alert's history that are kept."""

_NAMED = 200
"""Characters of a name that a message shows; names of features have no limit."""

_GONE = "Its rule or its label is gone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A state that an alert took and has left. at: when it took it, in seconds since 1970."""

    state: AlertState
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an evaluation writes of one alert. alert: as it is shown, without silence and
    acknowledgement. moved: whether its state changed or it fired again; passed: the states on the
    way there, oldest first.
    """

    key: AlertKey
    alert: Alert
    track: Track
    moved: bool
    passed: Sequence[Passed] = ()


def alert_ref(monitor: str, key: AlertKey) -> str:
    """`alert:MONITOR/RULE`, and the values of its labels."""
    return reference("alert", monitor, key[0], *key[1])


def key_of(text: str) -> tuple[str, AlertKey]:
    """Monitor, rule and labels of a reference, with or without `alert:`; a label may be written as
    it is, with its spaces. Raises NotFound.
    """
    parts = [decoded(part) for part in text.removeprefix("alert:").split("/")]
    if len(parts) < 2 or not all(parts[:2]):
        raise NotFound(
            f"{text!r} is no alert.",
            "An alert is named MONITOR/RULE, or MONITOR/RULE/LABEL.",
            "mlinfra alerts list shows all alerts.",
        )
    return parts[0], (parts[1], tuple(parts[2:]))


class AlertStore:
    """The alerts of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.silences = SilenceStore(database)

    def tracks(self, monitor: str) -> dict[AlertKey, tuple[Track, str]]:
        """The track of each alert, and the file and line of its rule."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert WHERE monitor = ?", (monitor,)
            ).fetchall()
        return {_key(row): (_track(row), row["source"]) for row in rows}

    def alerts(self, monitor: str | None = None) -> list[Alert]:
        """Firing first, then pending, no data, silenced, ok; within a state the newest first, and
        of those that are as old the worst.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert WHERE monitor = coalesce(?, monitor)", (monitor,)
            ).fetchall()
        # Here, since states and times depend on the present.
        silences = self.silences.since(now().timestamp())
        found = [_alert(row, silences) for row in rows]
        found.sort(key=_badness, reverse=True)
        found.sort(key=lambda alert: alert.since, reverse=True)
        return sorted(found, key=lambda alert: WORST_FIRST.index(alert.state))

    def show(self, text: str) -> Alert:
        """One alert by its reference; of several that it names, see `named`, the worst. Raises
        NotFound.
        """
        return self.named(text)[0]

    def named(self, text: str) -> list[Alert]:
        """The alerts that a reference names, the worst first: one with its labels, or without them
        all of its rule. Raises NotFound, with the names that are near.
        """
        monitor, (rule, labels) = key_of(text)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert WHERE monitor = ? AND rule = ?", (monitor, rule)
            ).fetchall()
        as_typed = text.removeprefix("alert:").split("/", 2)[2:]
        asked = ["/".join(labels), *as_typed]  # a name may have a / or a % that is not encoded
        fitting = [row for row in rows if not labels or _key(row)[1] == labels]
        fitting = fitting or [row for row in rows if "/".join(_key(row)[1]) in asked]
        if not fitting:
            raise self._unknown(text, monitor)
        silences = self.silences.since(now().timestamp())
        found = sorted((_alert(row, silences) for row in fitting), key=_badness, reverse=True)
        return sorted(found, key=lambda alert: WORST_FIRST.index(alert.state))

    def _unknown(self, text: str, monitor: str) -> NotFound:
        """There is no such alert, but those of near names."""
        plain = text.removeprefix("alert:")[:_NAMED]
        names = [item.ref.removeprefix("alert:")[:_NAMED] for item in self.alerts(monitor)]
        near = get_close_matches(plain, names, 3)
        return NotFound(
            f"There is no alert {plain}.",
            f"Near names: {', '.join(near)}." if near else "",
            "mlinfra alerts list --all shows all alerts.",
        )

    def write(
        self,
        connection: sqlite3.Connection,
        monitor: str,
        judged: Sequence[Judged],
        keep: Sequence[AlertKey],
    ) -> None:
        """Write one evaluation of a monitor, with an event for each alert that moved. Alerts that
        are neither judged nor to be kept are deleted.
        """
        kept = {*keep, *(item.key for item in judged)}
        silences = self.silences.since(now().timestamp())
        before = {
            _key(row): row
            for row in connection.execute("SELECT * FROM alert WHERE monitor = ?", (monitor,))
        }
        for key in before.keys() - kept:
            connection.execute(
                "DELETE FROM alert WHERE monitor = ? AND rule = ? AND labels = ?",
                (monitor, *_columns(key)),
            )
            apart = not key[1] and any(item[0] == key[0] for item in kept)
            why = "Its labels have alerts of their own." if apart else _GONE
            note(connection, monitor, key, "removed", why=why)
        for item in judged:
            _write(connection, item, before.get(item.key))
            for state in item.passed:
                note(connection, monitor, item.key, state.state, why=state.text, at=state.at)
            if item.moved:
                silence = silence_of(silences, monitor, item.key)
                _tell(connection, item, quiet=bool(silence or item.alert.held_back_by))

    def acknowledge(self, alerts: Sequence[Alert], user: str, why: str) -> None:
        """Note who looks after them."""
        with self._database.write() as connection:
            for alert in alerts:
                monitor, key = key_of(alert.ref)
                connection.execute(
                    "UPDATE alert SET acknowledged_at = ?, acknowledged_by = ?,"
                    " acknowledged_why = ? WHERE monitor = ? AND rule = ? AND labels = ?",
                    (to_seconds(now()), user, why, monitor, *_columns(key)),
                )
            self._note(connection, alerts, "acknowledged", user=user, why=why)

    def unexplained(self, monitor: str) -> list[Alert]:
        """Those that fire, and whose cause was not looked for since they began to."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM alert WHERE monitor = ? AND state = 'firing' AND cause IS NULL",
                (monitor,),
            ).fetchall()
        return [_alert(row, ()) for row in rows]

    def explain(self, alert: Alert, cause: str) -> None:
        """Note the likely cause, with an event; an empty one says that none was found."""
        monitor, key = key_of(alert.ref)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE alert SET cause = ? WHERE monitor = ? AND rule = ? AND labels = ?",
                (cause, monitor, *_columns(key)),
            )
            if cause:
                data = {"cause": cause, "monitor": monitor}
                events.append(connection, "alert", alert.ref, data)

    def note(
        self, alerts: Sequence[Alert], what: str, *, user: str, why: str, link: str = ""
    ) -> None:
        """Add a line to the history of alerts, with an event for each."""
        with self._database.write() as connection:
            self._note(connection, alerts, what, user=user, why=why, link=link)

    def _note(
        self,
        connection: sqlite3.Connection,
        alerts: Sequence[Alert],
        what: str,
        *,
        user: str,
        why: str,
        link: str = "",
    ) -> None:
        for alert in alerts:
            monitor, key = key_of(alert.ref)
            note(connection, monitor, key, what, user=user, why=why, link=link)
            data = {"state": alert.state, "monitor": monitor}
            events.append(connection, "alert", alert.ref, data)

    def history(
        self, alert: Alert, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AlertChange]:
        """Newest first."""
        monitor, key = key_of(alert.ref)
        with self._database.read() as connection:
            return newest_first(
                connection,
                "alert_history",
                _change,
                where="monitor = ? AND rule = ? AND labels = ?",
                values=(monitor, *_columns(key)),
                key="number",
                limit=limit,
                cursor=cursor,
            )


def note(
    connection: sqlite3.Connection,
    monitor: str,
    key: AlertKey,
    what: str,
    *,
    user: str = "",
    why: str = "",
    link: str = "",
    at: float | None = None,
) -> None:
    """Add a line to the history of an alert. at: seconds since 1970, now by default."""
    place = (monitor, *_columns(key))
    connection.execute(
        "INSERT INTO alert_history (monitor, rule, labels, at, what, by_user, why, link)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, to_seconds(now()) if at is None else at, what, user, why, link),
    )
    connection.execute(
        "DELETE FROM alert_history WHERE monitor = ? AND rule = ? AND labels = ? AND number <= ("
        "SELECT number FROM alert_history WHERE monitor = ? AND rule = ? AND labels = ?"
        " ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (*place, *place, HISTORY),
    )


def _tell(connection: sqlite3.Connection, item: Judged, *, quiet: bool) -> None:
    """quiet: nobody is to be told; the event says that it is silenced, if it fires."""
    alert = item.alert
    firing = item.track.state is AlertState.FIRING
    shown = AlertState.SILENCED if firing and quiet else item.track.state
    data = {"state": shown, "monitor": alert.monitor, "text": alert.text}
    events.append(connection, "alert", alert.ref, data)
    note(connection, alert.monitor, item.key, shown, why=alert.text, at=item.track.since)


def _write(connection: sqlite3.Connection, item: Judged, before: sqlite3.Row | None) -> None:
    alert, track = item.alert, item.track
    again = before is None or before["episode"] != track.episode
    ended = track.state not in (AlertState.FIRING, AlertState.PENDING)
    kept = ("acknowledged_at", "acknowledged_by", "acknowledged_why", "cause")
    rule, labels = _columns(item.key)
    row = {
        "monitor": alert.monitor,
        "rule": rule,
        "labels": labels,
        "state": track.state,
        "severity": alert.severity,
        "value": alert.value.value if alert.value else None,
        "rows": alert.value.n if alert.value else None,
        "threshold": alert.threshold,
        "subject": alert.subject,
        "text": alert.text,
        "since": to_seconds(alert.since),
        "evaluated_at": to_seconds(alert.evaluated_at),
        "by_labels": json.dumps(dict(alert.labels)),
        "metric": alert.metric,
        "op": alert.op,
        "version": alert.version,
        "rule_group": alert.group,
        "summary": alert.summary,
        "runbook": alert.runbook,
        "source": alert.source,
        "at": track.at,
        "seen": track.seen,
        "kept_since": track.kept_since,
        "episode": track.episode,
        "told": track.told,
        "resolved_at": track.resolved_at,
        "bad_start": to_seconds(alert.window_start),
        "bad_end": to_seconds(alert.window_end),
        "held_by": alert.held_back_by,
        "hold_seconds": alert.hold_seconds,
        "owner": alert.owner,
    }
    if before is not None and not again and not ended:
        row |= {name: before[name] for name in kept}
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT OR REPLACE INTO alert ({names}) VALUES ({marks})",  # noqa: S608
        tuple(row.values()),
    )


def _columns(key: AlertKey) -> tuple[str, str]:
    return key[0], json.dumps(list(key[1]), ensure_ascii=False)


def _key(row: sqlite3.Row) -> AlertKey:
    labels: Key = tuple(json.loads(row["labels"]))
    return row["rule"], labels


def _track(row: sqlite3.Row) -> Track:
    return Track(
        state=AlertState(row["state"]),
        since=to_seconds(from_seconds(row["since"])),
        kept_since=row["kept_since"],
        at=row["at"],
        seen=row["seen"],
        episode=row["episode"],
        told=bool(row["told"]),
        resolved_at=row["resolved_at"],
    )


def _change(row: sqlite3.Row) -> AlertChange:
    return AlertChange(
        at=from_seconds(row["at"]),
        what=row["what"],
        by=row["by_user"],
        why=row["why"],
        link=row["link"],
    )


def _alert(row: sqlite3.Row, silences: Sequence[AlertSilence]) -> Alert:
    evaluated_at, stored = from_seconds(row["evaluated_at"]), AlertState(row["state"])
    state = as_of(stored, evaluated_at, now())
    stale = evaluated_at is not None and state is not stored
    key, labels = _key(row), dict[str, str](json.loads(row["by_labels"]))
    silence = silence_of(silences, row["monitor"], key)
    quiet = silence is not None or row["held_by"]
    return Alert(
        ref=alert_ref(row["monitor"], key),
        name=row["rule"],
        monitor=row["monitor"],
        state=AlertState.SILENCED if state is AlertState.FIRING and quiet else state,
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
        labels=labels,
        metric=row["metric"],
        op=row["op"],
        version=row["version"],
        group=row["rule_group"],
        summary=row["summary"],
        runbook=row["runbook"],
        source=row["source"],
        window_start=from_seconds(row["bad_start"]),
        window_end=from_seconds(row["bad_end"]),
        resolved_at=from_seconds(row["resolved_at"]),
        silence=silence,
        held_back_by=row["held_by"],
        acknowledged=_acknowledged(row),
        hold_seconds=row["hold_seconds"],
        cause=row["cause"] or "",
        owner=row["owner"],
    )


def _badness(alert: Alert) -> float:
    """How far its value is on the bad side; least without a value."""
    value = alert.value.value if alert.value else None
    if value is None:
        return -inf
    return float(value) if Operator(alert.op).upward else -float(value)


def _acknowledged(row: Mapping[str, object] | sqlite3.Row) -> Acknowledgement | None:
    at = row["acknowledged_at"]
    if not isinstance(at, float | int):
        return None
    return Acknowledgement(
        by=str(row["acknowledged_by"]),
        at=from_seconds(float(at)),
        why=str(row["acknowledged_why"]),
    )
