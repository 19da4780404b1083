"""The verbs of monitoring: watch, status, evaluate, alerts."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unavailable
from ..core.files import file_lock
from ..core.records import Number, Page, now, page_of
from ..core.search import Document
from ..jobs import Alarm
from . import references, rules
from .drift import compare
from .settings import MonitoringSettings
from .snippets import monitor_code
from .spec import Alert, AlertState, Monitor, MonitorStatus
from .store import ALARM, MonitorStore

if TYPE_CHECKING:
    import polars as pl

    from ..core.frames import Frame
    from ..core.project import Project
    from ..deployments import Deployments
    from ..experiments import Experiments

WINDOW = timedelta(hours=24)
"""How far back a status looks by default."""

FEATURES = 500
"""A status carries the drift of at most this many features."""

_OWN = ("request_id", "row", "ts", "deployment", "version", "status", "latency_ms", "prediction")
"""The columns of the payload log before the inputs; there, an input of such a name is called
`input.<name>`.
"""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


class Monitoring:
    """The monitors of one project. alarm_set: has the supervisor look at the alarms."""

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

    def reference(
        self, version: str, frame: Frame, *, score: Sequence[float] | None = None
    ) -> Path:
        """Store what a model version saw in training: bins, counts and quantiles of each input, and
        of its own answers.

        version: `model/3` or `model@alias`. frame: the inputs, one row per example, in Polars or
        pandas. score: its answers, of the same length.
        """
        found = self._experiments.version(version)
        return references.save(
            self._project, references.make(f"{found.model}/{found.version}", frame, score)
        )

    def watch(self, deployment: str, *, name: str | None = None) -> Monitor:
        """Start to watch a deployment; the version with most of the traffic needs a reference
        profile.

        Raises NotFound without deployment or reference, Conflict if a monitor of that name watches
        another deployment.
        """
        name = name or deployment
        if not _NAME.match(name):
            raise BadRequest(
                f"{name!r} cannot name a monitor.",
                "Small letters, digits and hyphens, at most 63.",
                f"For example {deployment}-drift",
            )
        references.load(self._project, self._judged(deployment)[1])
        known = {monitor.name: monitor.deployment for monitor in self._store.monitors()}
        if known.get(name, deployment) != deployment:
            raise Conflict(f"Monitor {name} watches {known[name]}.", fix="Choose another name.")
        monitor = self._store.add(name, deployment, self._project.user)
        self.schedule()
        # A supervisor that does not start now is started by the next look after the jobs.
        with contextlib.suppress(Unavailable):
            self._alarm_set()
        return monitor

    def schedule(self) -> bool:
        """Set the alarm of the next evaluation, if there are monitors; says whether it was set.

        One that is set stays, unless it is that of another folder, which the project was moved or
        copied from, or is later than the settings say.
        """
        if not self._store.monitors():
            return False
        kept, following = self._store.alarm(), self._next_alarm()
        if (
            kept is not None
            and kept.due_at <= following.due_at
            and replace(kept, due_at=following.due_at, set_at=following.set_at) == following
        ):
            return False
        self._store.set_alarm(following)
        return True

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Monitor]:
        """Monitors by name, as of their last evaluation."""
        return page_of(self._store.monitors(), limit=limit, cursor=cursor)

    def alerts(
        self, *, firing: bool = False, limit: int = 50, cursor: str | None = None
    ) -> Page[Alert]:
        """Alerts, firing ones first."""
        found = [
            alert
            for alert in self._store.alerts()
            if not firing or alert.state is AlertState.FIRING
        ]
        return page_of(found, limit=limit, cursor=cursor)

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
        return self._measure(monitor, since or WINDOW, version)

    def evaluate(self, name: str, *, since: timedelta | None = None) -> MonitorStatus:
        """Measure the window of the version with most of the traffic, update the states of the
        rules, and report changes.

        What cannot be measured becomes "no data" with the reason in the alert; nothing stays green.
        Raises NotFound if the monitor does not exist.
        """
        at, monitor = now(), self._store.show(name)
        try:
            status = self._measure(monitor, since or WINDOW)
            findings = self._findings(status, since or WINDOW)
        except MLInfraError as error:
            status, findings = _unmeasured(monitor, str(error)), self._nothing(str(error))
        except Exception as error:
            self._save(
                _unmeasured(monitor, ""),
                self._nothing(f"it could not be measured: {type(error).__name__}"),
                at,
            )
            raise
        return self._save(status, findings, at)

    def evaluate_all(self, say: Callable[[str], None]) -> None:
        """Evaluate every monitor; one that cannot be evaluated keeps no other from it. say: told
        what went wrong.

        The alarm of the next round is set first, so a round that is killed ends nothing. Raises
        Conflict while another round is under way.
        """
        lock = self._project.folder("monitoring") / "evaluation.lock"
        with file_lock(lock, wait=False, what="An evaluation of the monitors"):
            monitors = self._store.monitors()
            if monitors:
                self._store.set_alarm(self._next_alarm())
            else:
                self._store.clear_alarm()
            for monitor in monitors:
                try:
                    self.evaluate(monitor.name)
                except MLInfraError as error:
                    say(f"monitor {monitor.name} was not evaluated: {error}")
                except Exception:  # noqa: BLE001 - the others are evaluated all the same
                    say(f"monitor {monitor.name} was not evaluated:\n{traceback.format_exc()}")

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

    def _save(
        self, status: MonitorStatus, findings: Sequence[rules.Finding], at: datetime
    ) -> MonitorStatus:
        """Save the alerts that result from the findings."""
        hold = timedelta(minutes=self._project.settings.of(MonitoringSettings).hold_minutes)
        name = status.monitor.name
        before = {alert.name: alert for alert in self._store.alerts(name)}
        alerts = [
            rules.alert(finding, before.get(finding.rule), monitor=name, at=at, hold=hold)
            for finding in findings
        ]
        worst = (
            max(status.drift, key=lambda item: float(item.psi.value or 0)) if status.drift else None
        )
        monitor = replace(
            status.monitor,
            state=rules.verdict(alerts),
            worst=worst.feature if worst else "",
            worst_psi=worst.psi if worst else None,
            evaluated_at=at,
        )
        self._store.save(monitor, alerts)
        return replace(status, monitor=monitor, alerts=alerts)

    def _findings(self, status: MonitorStatus, window: timedelta) -> Sequence[rules.Finding]:
        """The result of each rule for a window."""
        settings, requests = (
            self._project.settings.of(MonitoringSettings),
            int(status.monitor.requests.value or 0),
        )
        refused = (
            self._deployments.payloads_refused(status.monitor.deployment, since=now() - window)
            if _bad(status)
            else None
        )
        found = [
            rules.drift(
                status.drift,
                limit=settings.psi_alert,
                min_rows=settings.min_rows,
                trouble=status.trouble,
            )
        ]
        for (rule, severity, limit), fraction, failed in (
            (self._shares[0], status.error_fraction, True),
            (self._shares[1], status.refused_fraction, False),
        ):
            bad = round(float(fraction.value or 0) * requests) if fraction else 0
            reasons = (
                []
                if refused is None
                else [
                    what
                    for code, what in refused.select("status", "what").iter_rows()
                    if (code >= 500) is failed and what
                ]
            )
            found.append(rules.share(rule, severity, bad, requests, limit=limit, reasons=reasons))
        return found

    def _nothing(self, why: str) -> Sequence[rules.Finding]:
        """The findings of a window that could not be measured."""
        first = rules.unmeasured(
            "drift", "warning", self._project.settings.of(MonitoringSettings).psi_alert, why
        )
        return [
            first,
            *(
                rules.unmeasured(rule, severity, limit, why)
                for rule, severity, limit in self._shares
            ),
        ]

    @property
    def _shares(self) -> tuple[tuple[str, str, float], tuple[str, str, float]]:
        """The two rules on shares of requests: name, severity, limit."""
        settings = self._project.settings.of(MonitoringSettings)
        return ("failed", "critical", settings.failed_alert), (
            "refused",
            "warning",
            settings.refused_alert,
        )

    def fingerprint(self, name: str) -> str | None:
        """Changes when the monitor watches something else; None if it does not exist."""
        try:
            return self._store.show(name).deployment
        except NotFound:
            return None

    def search_fingerprint(self) -> str:
        """Changes when a monitor or an alert's state changes."""
        return repr(
            [
                (monitor.name, monitor.deployment, monitor.state)
                for monitor in self._store.monitors()
            ]
        )

    def search_documents(self) -> Iterable[Document]:
        """Monitors and alerts."""
        for monitor in self._store.monitors():
            yield Document(
                ref=monitor.ref,
                kind="monitor",
                name=monitor.name,
                text=monitor.deployment,
                detail=f"watches {monitor.deployment}",
            )
        for alert in self._store.alerts():
            yield Document(
                ref=alert.ref,
                kind="alert",
                name=f"{alert.monitor}/{alert.name}",
                text=alert.subject,
                detail=alert.text,
            )

    def _judged(self, deployment: str, version: str | None = None) -> tuple[str, str]:
        """A version of the deployment, as `v3` and `model/3`: the named one, else the one with most
        of the traffic.
        """
        versions = self._deployments.show(deployment).deployment.versions
        if not versions:
            raise NotFound(
                f"Deployment {deployment} has no version.",
                fix=f"mlinfra deployments deploy MODEL/VERSION --name {deployment}",
            )
        named = [item for item in versions if version in (None, item.version)]
        if not named:
            raise NotFound(
                f"Deployment {deployment} has no version {version}.",
                f"It has: {', '.join(item.version for item in versions)}.",
            )
        found = max(named, key=lambda item: item.traffic)
        return found.version, f"{found.model}/{found.version.removeprefix('v')}"

    def _measure(
        self, monitor: Monitor, window: timedelta, version: str | None = None
    ) -> MonitorStatus:
        import polars as pl

        label, model = self._judged(monitor.deployment, version)
        settings, trouble = self._project.settings.of(MonitoringSettings), ""
        try:
            kept = references.load(self._project, model)
        except MLInfraError as error:  # requests and latency are known anyway
            kept, trouble = (
                references.Reference(version=model, made_at="", rows=0, columns=(), score=None),
                str(error),
            )
        rows = self.frame(monitor.name, since=window)
        answered = rows.filter(pl.col("status") < 400)
        # Another version has another signature, and another reference.
        judged = answered.filter(pl.col("version") == label)
        # Too few rows cannot show drift: the figures are shown, without a verdict.
        limit = settings.psi_alert if judged.height >= settings.min_rows else float("inf")
        drift = (
            [
                compare(column, _input(judged, column.name), threshold=limit)
                for column in kept.columns
            ]
            if judged.height
            else []
        )
        score = (
            compare(kept.score, judged[references.SCORE], threshold=limit)
            if kept.score and judged.height
            else None
        )
        # Not one per request id: a caller may give all its requests the same.
        requests = rows.filter(pl.col("row") == 0)
        counted = answered.group_by("version").len().sort("version")
        return MonitorStatus(
            monitor=replace(
                monitor,
                requests=Number(value=requests.height),
                rows=Number(value=answered.height),
                last_request_at=_last(rows),
            ),
            window_start=_first(rows),
            window_end=_last(rows),
            reference="" if trouble else f"version:{kept.version}",
            versions={str(version): int(count) for version, count in counted.iter_rows()},
            p50_ms=_quantile(requests, 0.5),
            p95_ms=_quantile(requests, 0.95),
            error_fraction=_fraction(requests, pl.col("status") >= 500),
            refused_fraction=_fraction(requests, pl.col("status").is_between(400, 499)),
            dropped=self._deployments.payloads_dropped(monitor.deployment, since=now() - window),
            score=score,
            drift=sorted(drift, key=lambda item: -float(item.psi.value or 0))[:FEATURES],
            features=len(drift),
            trouble=trouble,
            alerts=self._store.alerts(monitor.name),
            code=monitor_code(monitor.name),
        )


def _unmeasured(monitor: Monitor, why: str) -> MonitorStatus:
    """A status with nothing but the reason."""
    return MonitorStatus(
        monitor=monitor,
        window_start=None,
        window_end=None,
        reference="",
        versions={},
        p50_ms=None,
        p95_ms=None,
        error_fraction=None,
        refused_fraction=None,
        dropped=0,
        score=None,
        drift=(),
        features=0,
        trouble=why,
        alerts=(),
        code=monitor_code(monitor.name),
    )


def _bad(status: MonitorStatus) -> bool:
    return any(
        fraction is not None and fraction.value
        for fraction in (status.error_fraction, status.refused_fraction)
    )


def _input(rows: pl.DataFrame, name: str) -> pl.Series:
    """The values of an input. One that no longer arrives is missing in every row: that is drift,
    and must be noticed.
    """
    import polars as pl

    for column in (f"input.{name}", name):
        if column in rows.columns and column not in _OWN:
            return rows[column]
    return pl.Series(name, [None] * rows.height, dtype=pl.Float64)


def _fraction(requests: pl.DataFrame, condition: pl.Expr) -> Number | None:
    return (
        Number(value=requests.filter(condition).height / requests.height, n=requests.height)
        if requests.height
        else None
    )


def _first(rows: pl.DataFrame) -> datetime | None:
    return rows["ts"].min() if rows.height else None  # type: ignore[return-value]


def _last(rows: pl.DataFrame) -> datetime | None:
    return rows["ts"].max() if rows.height else None  # type: ignore[return-value]


def _quantile(requests: pl.DataFrame, at: float) -> Number | None:
    value = requests["latency_ms"].drop_nulls().quantile(at) if requests.height else None
    return None if value is None else Number(value=float(value), n=requests.height)
