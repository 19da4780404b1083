"""`ml.monitor` and `ml.alert`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.records import every
from ..faces.parse import span as parsed_span
from ..widgets.reprs import Records
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import timedelta

    import polars as pl

    from ..monitoring.alerts.spec import AlertChange, AlertDetail, AlertNotebook
    from ..monitoring.spec import Alert, AlertSilence, FeatureDrift, MonitorStatus


def monitor(name: str) -> MonitorHandle:
    """A monitor by name; `ml.deployment(…).watch()` creates one."""
    return MonitorHandle(current(), name)


def alert(name: str) -> AlertHandle:
    """An alert by `monitor/rule`, and its label if the rule has several."""
    return AlertHandle(current(), name.removeprefix("alert:"))


@dataclass(frozen=True)
class AlertHandle(Shown):
    """One alert."""

    workbench: Workbench = field(repr=False)
    name: str

    @property
    def record(self) -> Alert:
        """State, value and window, as of its last evaluation."""
        return self.workbench.alerts.show(self.name).alert

    def window(self) -> pl.DataFrame:
        """The logged rows of the time in which its threshold was crossed."""
        return self.workbench.alerts.window(self.name)

    def refused(self) -> pl.DataFrame:
        """The refused and failed requests of that time, with the reason."""
        return self.workbench.alerts.refused(self.name)

    def drift(self) -> Sequence[FeatureDrift]:
        """The features of that time against the training data, those that moved most first."""
        return Records(self.workbench.alerts.drift(self.name))

    def history(self) -> Sequence[AlertChange]:
        """Its states, and what was done about it; newest first."""
        return Records([*every(self.workbench.alerts.history, alert=self.name)])

    def acknowledge(self, why: str = "") -> AlertDetail:
        """Say that you look after it, until it ends."""
        return self.workbench.alerts.acknowledge(self.name, why=why)

    def silence(self, span: str | timedelta, why: str) -> AlertSilence:
        """Tell nobody of it for so long: `2h`, or a timedelta."""
        found = parsed_span(span) if isinstance(span, str) else span
        return self.workbench.alerts.silence(self.name, span=found, why=why)

    def notebook(self, path: str | None = None) -> AlertNotebook:
        """Write a notebook on the bad window."""
        return self.workbench.alerts.notebook(self.name, path=path)

    def _shown(self) -> Any:
        return self.workbench.alerts.show(self.name)


@dataclass(frozen=True)
class MonitorHandle(Shown):
    """One monitor."""

    workbench: Workbench = field(repr=False)
    name: str

    def status(self, since: timedelta | None = None) -> MonitorStatus:
        """Drift, latency and alerts of the window since then; the alerts are those of the last
        evaluation.
        """
        return self.workbench.monitoring.status(self.name, since=since)

    def evaluate(self, since: timedelta | None = None) -> MonitorStatus:
        """Measure the window now, and update its alerts."""
        return self.workbench.monitoring.evaluate(self.name, since=since)

    def alerts(self, *, firing: bool = False) -> Sequence[Alert]:
        """Its alerts, firing ones first."""
        return Records(
            [
                item
                for item in every(self.workbench.monitoring.alerts, firing=firing)
                if item.monitor == self.name
            ]
        )

    def frame(self, since: timedelta | None = None) -> pl.DataFrame:
        """The logged requests."""
        return self.workbench.monitoring.frame(self.name, since=since)

    def refused(self, since: timedelta | None = None) -> pl.DataFrame:
        """Requests that were refused or failed: the reason, and what was sent."""
        return self.workbench.monitoring.refused(self.name, since=since)

    def _shown(self) -> Any:
        return self.status()
