"""The verbs of monitoring: watch, status, evaluate, alerts."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, MLInfraError, NotFound, Unavailable
from ..core.files import file_lock
from ..core.records import Page, from_seconds, now, page_of
from ..core.refs import reference
from ..core.search import Document
from ..jobs import Alarm
from .alerts.folding import folded as fold
from .alerts.judging import Judging
from .alerts.store import AlertStore
from .alerts.texts import Notes, most_frequent
from .datasets import MonitorTables
from .hours.points import Point
from .hours.windows import overview
from .large_windows import held_rows, measure_sketches
from .measured_points import OF_DRIFT
from .measured_windows import MeasuredWindows, beginning
from .measuring import FEATURES, measure, unmeasured
from .references import profiles as references
from .rules.prometheus import exposition
from .settings import MonitoringSettings
from .spec import Alert, AlertState, FeatureDrift, Monitor, MonitorStatus
from .state import worst_state
from .store import ALARM, MonitorStore
from .verbs.figures import WINDOW
from .verbs.missed import MissedVerbs

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from ..deployments import Deployments
    from ..experiments import Experiments

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


class Monitoring(MissedVerbs):
    """The monitors of one project. alarm_set: called when an alarm was set, so that the supervisor
    reads it.
    """

    def __init__(
        self,
        project: Project,
        deployments: Deployments,
        experiments: Experiments,
        *,
        alarm_set: Callable[[], None] = lambda: None,
    ) -> None:
        self._project = project
        self._alarm_set = alarm_set
        self._deployments = deployments
        self._experiments = experiments
        self._store = MonitorStore(project.database)
        self._alerts = AlertStore(project.database)
        self._judging = Judging(project, self._alerts)
        self._windows = MeasuredWindows()

    def watch(
        self,
        deployment: str,
        *,
        name: str | None = None,
        segments: Sequence[str] | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> Monitor:
        """Start to watch a deployment, or change what its monitor records. The version with most of
        the traffic needs a reference; if it has none, it is made from the training data.

        segments, costs: see `configure`; a column that no request has had is named in `note`.
        Raises NotFound without deployment, and if there is no reference and no training data is
        known, Conflict if a monitor of that name watches another deployment.
        """
        name = name or deployment
        if not _NAME.match(name):
            raise BadRequest(
                f"{name!r} cannot name a monitor.",
                "Small letters, digits and hyphens, at most 63.",
                f"For example {deployment}-drift",
            )
        self._checked(deployment, segments, costs)  # before anything is kept
        self._ensure_reference(deployment)
        monitor = self._store.add(name, deployment, self._project.user)
        self.configure(name, segments=segments, costs=costs)
        self.schedule()
        # If the supervisor cannot start now, the next check of the jobs starts it.
        with contextlib.suppress(Unavailable):
            self._alarm_set()
        return replace(monitor, note=self._unknown_columns(deployment, segments or ()))

    def schedule(self) -> bool:
        """Set the alarm of the next evaluation, if there are monitors; returns whether it was set.

        An existing alarm stays, unless it belongs to the folder from which the project was moved or
        copied, or is later than the settings say.
        """
        if not self._store.monitors():
            return False
        existing, next_alarm = self._store.alarm(), self._next_alarm()
        if (
            existing is not None
            and existing.due_at <= next_alarm.due_at
            and replace(existing, due_at=next_alarm.due_at, set_at=next_alarm.set_at) == next_alarm
        ):
            return False
        self._store.set_alarm(next_alarm)
        return True

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Monitor]:
        """Monitors by name, as of their last evaluation."""
        return page_of(self._store.monitors(), limit=limit, cursor=cursor)

    def monitor(self, name: str) -> Monitor:
        """One monitor, as of its last evaluation. Raises NotFound."""
        return self._store.show(name)

    def monitors(self) -> Sequence[Monitor]:
        """All of them."""
        return self._store.monitors()

    def drift_of(
        self, name: str, rows: pl.DataFrame, *, version: str | None = None
    ) -> Sequence[FeatureDrift]:
        """The drift of logged rows, those features that moved most first; empty without a
        reference. version: as in `status`.
        """
        monitor = self._store.show(name)
        label, model_version = self._version_of(monitor.deployment, version)
        reference, _ = self._reference(model_version)
        settings = self._project.settings.of(MonitoringSettings)
        status = measure(monitor, rows, reference, version=label, settings=settings)
        return self._masking.status(status).drift

    def alerts(
        self,
        *,
        firing: bool = False,
        folded: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Alert]:
        """Alerts, firing ones first. folded: those of a rule that are ok, silenced or without data
        as one.
        """
        found = self._alerts.alerts()
        if firing:
            found = [alert for alert in found if alert.state is AlertState.FIRING]
        return page_of(fold(found) if folded else found, limit=limit, cursor=cursor)

    def frame(self, name: str, *, since: timedelta | None = None) -> pl.DataFrame:
        """The logged rows of the deployment: request_id, ts, version, status, latency_ms,
        prediction, then the inputs.
        """
        monitor = self._store.show(name)
        return self._deployments.payloads(monitor.deployment, since=now() - (since or WINDOW))

    def refused(self, name: str, *, since: timedelta | None = None) -> pl.DataFrame:
        """Refused and failed requests of the deployment: request_id, ts, version, status,
        latency_ms, what, and the body as it was sent.
        """
        monitor = self._store.show(name)
        return self._deployments.payloads_refused(
            monitor.deployment, since=now() - (since or WINDOW)
        )

    def status(
        self, name: str, *, since: timedelta | None = None, version: str | None = None
    ) -> MonitorStatus:
        """Drift and service of the window that ends now; alert states are those of the last
        evaluation.

        version: `v3`, whose rows are compared with its own reference; by default the one with most
        of the traffic.
        """
        monitor = self._store.show(name)
        return _as_shown(self._measure(monitor, since or WINDOW, version))

    def evaluate(self, name: str, *, since: timedelta | None = None) -> MonitorStatus:
        """Measure the window of the version with most of the traffic, update the states of the
        rules, and report changes.

        What cannot be measured becomes "no data" with the reason in the alert; it does not stay
        green. Windows that ended since the last evaluation and were not looked at are made up for;
        after a pause, the newest missing hours are recorded first. Raises NotFound if the monitor
        does not exist.
        """
        monitor, window = self._store.show(name), since or WINDOW
        if self._was_down(monitor):
            with contextlib.suppress(Exception):  # the rules are judged anyway
                self._record(monitor)
        at = now()
        try:
            status = self._measure(monitor, window, anew=True)
            notes = self._notes(status, window)
        except MLInfraError as error:
            status, notes = unmeasured(monitor, str(error)), Notes(unmeasured={"": str(error)})
        except Exception as error:
            why = f"it could not be measured: {type(error).__name__}"
            self._save(unmeasured(monitor, ""), at, window, Notes(unmeasured={"": why}))
            raise
        return self._save(status, at, window, notes, missed=self._missed(monitor, at, window))

    def evaluate_all(self, say: Callable[[str], None]) -> None:
        """Evaluate every monitor; a failure does not stop the others. say: called with what failed.

        The alarm of the next round is set first, so that a killed round is followed by another.
        Raises Conflict while another round is in progress.
        """
        lock = self._project.folder("monitoring") / "evaluation.lock"
        with file_lock(lock, wait=False, what="An evaluation of the monitors"):
            monitors = self._store.monitors()
            if monitors:
                self._store.set_alarm(self._next_alarm())
            else:
                self._store.clear_alarm()
                return
            with self._judging.one_book() as book:
                for name, faults in book.problems.items():
                    say(f"the rules of {name} are not used: {faults[0]}")
                for monitor in monitors:
                    self._record_and_evaluate(monitor, say)

    def _record_and_evaluate(self, monitor: Monitor, say: Callable[[str], None]) -> None:
        # The rules first: a backfill, or a log of weeks, must not hold them up.
        for work, failed in (
            (
                lambda: self.evaluate(monitor.name),
                f"monitor {monitor.name} was not evaluated",
            ),
            (
                lambda: self._record(monitor),
                f"the hours of monitor {monitor.name} were not recorded",
            ),
            (
                lambda: self.explain(monitor.name),
                f"no causes of the alerts of monitor {monitor.name} were looked for",
            ),
        ):
            try:
                work()
            except MLInfraError as error:
                say(f"{failed}: {error}")
            except Exception:  # noqa: BLE001 - the others are still evaluated
                say(f"{failed}:\n{traceback.format_exc()}")

    def _next_alarm(self) -> Alarm:
        at = now().timestamp()
        return Alarm(
            name=ALARM,
            due_at=at + 60 * self._project.settings.of(MonitoringSettings).evaluate_minutes,
            set_at=at,
            module=f"{__package__}.evaluation",
            arguments=[str(self._project.root)],
            log=str(self._project.folder("logs") / "monitoring.log"),
        )

    def metrics(self) -> str:
        """What the rules of every monitor judge now, in the text format of Prometheus. A monitor
        that cannot be measured is a comment with the reason.
        """
        at, found, notes = now(), dict[str, Sequence[Point]](), ""
        for monitor in self._store.monitors():
            try:
                found[monitor.name], _ = self._points(self._measure(monitor, WINDOW), at, WINDOW)
            except MLInfraError as error:
                notes += f"# {monitor.name}: {' '.join(str(error).split())}\n"
        return notes + exposition(found)

    def _save(
        self,
        status: MonitorStatus,
        at: datetime,
        window: timedelta,
        notes: Notes,
        *,
        missed: Sequence[Point] = (),
    ) -> MonitorStatus:
        """Evaluate the rules on what was measured, and save monitor and alerts; one at a time, so
        that nobody hears of a change twice.
        """
        points, reasons = self._points(status, at, window)
        notes = replace(notes, against=reasons)
        lock = self._project.folder("monitoring") / f"{status.monitor.name}.rules.lock"
        with file_lock(lock, what=f"An evaluation of {status.monitor.name}"):
            return self._judge_and_save(status, at, notes, [*missed, *points])

    def _judge_and_save(
        self,
        status: MonitorStatus,
        at: datetime,
        notes: Notes,
        points: Sequence[Point],
    ) -> MonitorStatus:
        verdict = self._judging.judge(status.monitor.name, points, at, notes)
        worst = (
            max(status.drift, key=lambda item: float(item.psi.value or 0)) if status.drift else None
        )
        monitor = replace(
            status.monitor,
            state=worst_state(verdict.alerts),
            worst=worst.feature if worst else "",
            worst_psi=worst.psi if worst else None,
            evaluated_at=at,
        )
        self._store.save(monitor, verdict.write)
        if verdict.queued:
            with contextlib.suppress(Unavailable):
                self._alarm_set()
        shown = self._alerts.alerts(monitor.name)
        silenced = {alert.ref: alert for alert in shown if alert.state is AlertState.SILENCED}
        heard = [silenced.get(item.ref, item) for item in verdict.alerts]
        if worst_state(heard) is not monitor.state:  # a silence, or a rule that holds one back
            monitor = replace(monitor, state=worst_state(heard))
            self._store.save(monitor, lambda _: None)
        monitor = replace(monitor, lately=self._store.show(monitor.name).lately)
        return _as_shown(replace(status, monitor=monitor, alerts=fold(shown)))

    def _notes(self, status: MonitorStatus, window: timedelta) -> Notes:
        """Why drift was not measured, and the most frequent reasons of bad requests."""
        refused = (
            self._deployments.payloads_refused(status.monitor.deployment, since=now() - window)
            if _has_bad_requests(status)
            else None
        )
        reasons = {
            metric: most_frequent(
                []
                if refused is None
                else [
                    what
                    for code, what in refused.select("status", "what").iter_rows()
                    if (code >= 500) is failed and what
                ]
            )
            for metric, failed in (("error_fraction", True), ("refused_fraction", False))
        }
        unmeasured = {} if not status.trouble else dict.fromkeys(OF_DRIFT, status.trouble)
        return Notes(unmeasured=unmeasured, reasons=reasons)

    def fingerprint(self, name: str) -> str | None:
        """Changes when the monitor watches something else; None if it does not exist."""
        try:
            return self._store.show(name).deployment
        except NotFound:
            return None

    def search_fingerprint(self) -> str:
        """Changes with what `search_documents` shows."""
        monitors = [(monitor.name, monitor.deployment) for monitor in self._store.monitors()]
        found = fold(self._alerts.alerts())
        alerts = [(alert.ref, alert.state, alert.subject, alert.text) for alert in found]
        return repr((monitors, alerts, MonitorTables(self._project).names()))

    def search_documents(self) -> Iterable[Document]:
        """Monitors and alerts, and the tables that SQL and the catalog read."""
        tables = MonitorTables(self._project)
        for name in tables.names():
            yield Document(
                ref=reference("dataset", f"monitoring.{name}"),
                kind="dataset",
                name=f"monitoring.{name}",
                text=tables.description(name),
                detail="a table of monitoring, read-only",
            )
        for monitor in self._store.monitors():
            yield Document(
                ref=monitor.ref,
                kind="monitor",
                name=monitor.name,
                text=monitor.deployment,
                detail=f"watches {monitor.deployment}",
            )
        found = {alert.ref: alert for alert in reversed(fold(self._alerts.alerts()))}
        for alert in found.values():
            yield Document(
                ref=alert.ref,
                kind="alert",
                name=f"{alert.monitor}/{alert.name}",
                text=alert.subject,
                detail=alert.text,
            )

    def _version_of(self, deployment: str, version: str | None = None) -> tuple[str, str]:
        """A version of the deployment, as `v3` and `model/3`: the named one, else the one with most
        of the traffic.
        """
        versions = self._deployments.show(deployment).deployment.versions
        if not versions:
            raise NotFound(
                f"Deployment {deployment} has no version.",
                fix=f"mlinfra deployments deploy MODEL/VERSION --name {deployment}",
            )
        candidates = [item for item in versions if version in (None, item.version)]
        if not candidates:
            raise NotFound(
                f"Deployment {deployment} has no version {version}.",
                f"It has: {', '.join(item.version for item in versions)}.",
            )
        chosen = max(candidates, key=lambda item: item.traffic)
        return chosen.version, f"{chosen.model}/{chosen.version.removeprefix('v')}"

    def _measure(
        self,
        monitor: Monitor,
        window: timedelta,
        version: str | None = None,
        *,
        anew: bool = False,
    ) -> MonitorStatus:
        label, model_version = self._version_of(monitor.deployment, version)
        reference, trouble = self._reference(model_version)
        status = self._measured(monitor, window, label, reference, anew=anew)
        since = now() - window
        problems = self._deployments.payloads_problems(monitor.deployment, since=since)
        alarm = self._store.alarm()
        return replace(
            self._masking.status(status),
            reference="" if trouble else f"version:{reference.version}",
            dropped=self._deployments.payloads_dropped(monitor.deployment, since=since),
            trouble=trouble,
            problems=[*dict.fromkeys([*problems, *status.problems])],
            alerts=fold(self._alerts.alerts(monitor.name)),
            next_evaluation_at=from_seconds(alarm.due_at) if alarm else None,
        )

    def _measured(
        self,
        monitor: Monitor,
        window: timedelta,
        version: str,
        reference: references.Reference,
        *,
        anew: bool,
    ) -> MonitorStatus:
        """By all rows of the window, or by sketches if these are too many. Unless `anew`, what was
        measured before is taken while the window, its log, the reference and the settings are the
        same, and of one that takes long for a while after its log has changed.
        """
        settings, end = self._project.settings.of(MonitoringSettings), now().timestamp()
        start, log = beginning(end, window.total_seconds()), self._deployments

        def measured() -> MonitorStatus:
            rows = held_rows(log, monitor.deployment, start, end)
            if rows is not None:
                return measure(monitor, rows, reference, version=version, settings=settings)
            plan = self._plan(monitor)
            found = overview(self._series, log, monitor.name, plan, start=start, end=end)
            return measure_sketches(monitor, found, reference, version=version, settings=settings)

        # The log first: what is logged while it is measured changes it again.
        logged = log.payloads_state(monitor.deployment, since=datetime.fromtimestamp(start, UTC))
        compared = reference.version, reference.digest, settings.psi_alert, settings.min_rows
        key = (monitor.name, monitor.deployment, window, version, compared)
        return self._windows.of(key, (start, logged), monitor, measured, anew=anew)

    def _reference(self, model_version: str) -> tuple[references.Reference, str]:
        """The reference of a version. If it cannot be read, an empty one and the reason: requests
        and latency are shown anyway.
        """
        try:
            return references.load(self._project, model_version), ""
        except MLInfraError as error:
            empty = references.Reference(
                version=model_version, made_at="", rows=0, columns=(), score=None
            )
            return empty, str(error)


def _as_shown(status: MonitorStatus) -> MonitorStatus:
    """With the drift of the features that moved most; rules judge all of them."""
    return replace(status, drift=status.drift[:FEATURES])


def _has_bad_requests(status: MonitorStatus) -> bool:
    return any(
        fraction is not None and fraction.value
        for fraction in (status.error_fraction, status.refused_fraction)
    )
