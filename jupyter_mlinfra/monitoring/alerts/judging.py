"""One evaluation of the rules of a monitor: from points to alerts, events and messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.records import Number, from_seconds
from ...jobs import Alarm, set_alarm
from ..hours.points import Point
from ..rules.book import RuleBook, open_book
from ..rules.evaluator import AlertKey, Change, Evaluation, evaluate
from ..rules.spec import Judgement, Operator, ThresholdRule
from ..settings import MonitoringSettings
from ..spec import Alert, AlertState
from ..state import Track
from . import deliveries
from .condensing import condensed
from .delivering import next_alarm
from .messages import messages
from .silences import muting
from .store import AlertStore, Judged, Passed, alert_ref
from .texts import Notes, subject_of, text_of

if TYPE_CHECKING:
    from ...core.project import Project

NEW_SECONDS = 2 * 3600.0
"""A rule that is new looks at windows that ended in this time; a back-test looks at older ones."""


class Verdict:
    """What an evaluation found. alerts: as they will be read. queued: whether receivers are to be
    told.
    """

    def __init__(self, judging: Judging, monitor: str, at: datetime) -> None:
        self._judging, self._monitor, self._at = judging, monitor, at
        self.alerts: Sequence[Alert] = ()
        self.judged: Sequence[Judged] = ()
        self.keep: Sequence[AlertKey] = ()
        self.told: Sequence[tuple[str, Mapping[str, object]]] = ()

    @property
    def queued(self) -> bool:
        return bool(self.told)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it in the transaction that is open on `connection`."""
        self._judging.store.write(connection, self._monitor, self.judged, self.keep)
        for receiver, body in self.told:
            deliveries.queue(connection, receiver, body, self._at.timestamp())
        if self.told:
            set_alarm(connection, self._judging.alarm(self._at.timestamp()))


class Judging:
    """Evaluates the rules of one project."""

    def __init__(self, project: Project, store: AlertStore) -> None:
        self._project = project
        self.store = store
        self._book: RuleBook | None = None

    @contextmanager
    def one_book(self) -> Iterator[RuleBook]:
        """Rules are read once for all evaluations of this block: that looks through the whole
        project.
        """
        self._book = open_book(self._project)
        try:
            yield self._book
        finally:
            self._book = None

    def against(self, monitor: str) -> Sequence[str]:
        """What the rules of a monitor hold drift against."""
        book = self._book or open_book(self._project)
        return sorted({rule.against for rule in book.of(monitor)})

    def alarm(self, at: float) -> Alarm:
        """The alarm of the next delivery."""
        return next_alarm(self._project, at)

    def judge(self, monitor: str, points: Iterable[Point], at: datetime, notes: Notes) -> Verdict:
        """Move the alerts of a monitor by these points. Nothing is written before `write`."""
        book = self._book or open_book(self._project)
        rules, clock = book.of(monitor), at.timestamp()
        known = self.store.tracks(monitor)
        kept = _of_broken_files(book, rules, known)
        tracks = {key: _up_to(clock, track) for key, (track, _) in known.items() if key not in kept}
        begin = min((track.at for track in tracks.values()), default=clock)
        silences = self.store.silences.since(begin)
        muted = muting(silences, monitor, rules, clock)
        known_rules = {name for name, _ in tracks}
        begun = {rule.name: clock - NEW_SECONDS for rule in rules if rule.name not in known_rules}
        result = evaluate(rules, tracks, points, clock, muted=muted, not_before=begun)
        before = {alert.ref: alert for alert in self.store.alerts(monitor)}
        by_name = {rule.name: rule for rule in rules}
        changes: dict[AlertKey, list[Change]] = {}
        for change in result.changes:
            changes.setdefault(change.key, []).append(change)
        judged = [
            self._judged(
                *(monitor, by_name[key[0]], key, track, result, before, at, notes),
                changes=changes.get(key, ()),
            )
            for key, track in result.tracks.items()
        ]
        verdict = Verdict(self, monitor, at)
        verdict.judged, verdict.keep = judged, [*kept]
        alerts = {item.key: item.alert for item in judged}
        verdict.alerts = [*alerts.values(), *(_held(before, monitor, key) for key in kept)]
        verdict.told = self._messages(result, by_name, alerts, monitor, before)
        return verdict

    def _judged(
        self,
        monitor: str,
        rule: ThresholdRule,
        key: AlertKey,
        track: Track,
        result: Evaluation,
        before: Mapping[str, Alert],
        at: datetime,
        notes: Notes,
        *,
        changes: Sequence[Change],
    ) -> Judged:
        found, ref = result.judgements.get(key), alert_ref(monitor, key)
        previous = before.get(ref)
        held = result.held_back.get(key, "")
        if not held and rule.silence and at.timestamp() < rule.silence.until:
            held = rule.source.rpartition(":")[0]
        alert = _alert(rule, ref, monitor, key, track, found, previous, at, notes)
        moved = bool(changes)
        start, end = _window(previous, found, moved=moved, track=track)
        owner = rule.owner or self._project.settings.project.owner
        alert = replace(alert, held_back_by=held, window_start=start, window_end=end, owner=owner)
        passed = [
            Passed(
                state=item.track.state,
                at=item.track.since,
                text=text_of(rule, item.judgement, item.track, Notes()),
            )
            for item in changes[:-1]
        ]
        return Judged(key=key, alert=alert, track=track, moved=moved, passed=passed)

    def _messages(
        self,
        result: Evaluation,
        rules: Mapping[str, ThresholdRule],
        alerts: Mapping[AlertKey, Alert],
        monitor: str,
        before: Mapping[str, Alert],
    ) -> Sequence[tuple[str, Mapping[str, object]]]:
        receivers = [*self._project.settings.of(MonitoringSettings).receivers]
        told = []
        for item in condensed(result.notices):
            key = item.notice.key
            alert = alerts.get(key) or before.get(alert_ref(monitor, key))
            if alert is not None:
                told.append((item, rules.get(key[0]) or _former(alert), alert))
        return [*messages(told, receivers)]


def _alert(
    rule: ThresholdRule,
    ref: str,
    monitor: str,
    key: AlertKey,
    track: Track,
    found: Judgement | None,
    previous: Alert | None,
    at: datetime,
    notes: Notes,
) -> Alert:
    point = found.point if found else None
    known = found is not None and found.active is not None
    same = found is None and previous is not None and _plain(previous) is track.state
    if same and previous is not None:
        return replace(previous, evaluated_at=at, silence=None, acknowledged=None)
    labels = dict(zip(rule.by, key[1], strict=bool(key[1])))
    known_as = labels.get("feature") or labels.get("segment", "")
    return Alert(
        ref=ref,
        name=rule.name,
        monitor=monitor,
        state=track.state,
        severity=rule.severity,
        value=Number(value=point.value, n=point.rows) if known and point else None,
        threshold=rule.threshold,
        subject=(
            (subject_of(point) if known and point else previous.subject if previous else "")
            or known_as
        ),
        since=from_seconds(track.since),
        evaluated_at=at,
        text=text_of(rule, found, track, notes),
        labels=labels,
        metric=rule.metric,
        op=rule.op,
        version=(point.labels.get("version", "") if point else "")
        or (previous.version if previous else ""),
        group=rule.group,
        summary=rule.summary,
        runbook=rule.runbook,
        source=rule.source,
        resolved_at=from_seconds(track.resolved_at),
        hold_seconds=rule.hold_seconds,
    )


def _window(
    previous: Alert | None, found: Judgement | None, *, moved: bool, track: Track
) -> tuple[datetime | None, datetime | None]:
    """The time in which the threshold was crossed."""
    start, end = (previous.window_start, previous.window_end) if previous else (None, None)
    if found is None or not found.active:
        return start, end
    begins = moved and track.state in (AlertState.PENDING, AlertState.FIRING)
    fresh = begins and (previous is None or previous.state is not AlertState.PENDING)
    first = from_seconds(found.point.start)
    return (
        first if start is None or fresh else min(start, first),
        from_seconds(found.point.end),
    )


def _plain(alert: Alert) -> AlertState:
    return AlertState.FIRING if alert.state is AlertState.SILENCED else alert.state


def _up_to(clock: float, track: Track) -> Track:
    """A track that is not ahead of the clock, which may have been set back."""
    if track.at <= clock:
        return track
    kept = None if track.kept_since is None else min(track.kept_since, clock)
    return replace(
        track, at=0.0, seen=min(track.seen, clock), since=min(track.since, clock), kept_since=kept
    )


def _former(alert: Alert) -> ThresholdRule:
    """As much of a rule that is gone as a message says of it."""
    return ThresholdRule(
        name=alert.name,
        metric=alert.metric,
        op=Operator(alert.op),
        threshold=alert.threshold,
        severity="critical" if alert.severity == "critical" else "warning",
        group=alert.group,
        summary=alert.summary,
        runbook=alert.runbook,
    )


def _of_broken_files(
    book: RuleBook, rules: Sequence[ThresholdRule], known: Mapping[AlertKey, tuple[Track, str]]
) -> set[AlertKey]:
    """Alerts whose rule is in a file that cannot be read now: they stay as they are."""
    present = {rule.name for rule in rules}
    return {
        key
        for key, (_, source) in known.items()
        if key[0] not in present and source.rpartition(":")[0] in book.problems
    }


def _held(before: Mapping[str, Alert], monitor: str, key: AlertKey) -> Alert:
    return before[alert_ref(monitor, key)]
