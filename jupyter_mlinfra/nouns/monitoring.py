"""`ml.monitor` and `ml.alert`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import NotFound
from ..core.records import every
from ..core.refs import named
from ..widgets.reprs import Records
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import timedelta

    import polars as pl

    from ..monitoring.spec import Alert, MonitorStatus


def monitor(name: str) -> MonitorHandle:
    """A monitor by name; `ml.deployment(…).watch()` creates one."""
    return MonitorHandle(current(), name)


def alert(name: str) -> Alert:
    """An alert by `monitor/rule`."""
    found = [
        item for item in every(current().monitoring.alerts) if named(item.ref, "alert") == name
    ]
    if not found:
        raise NotFound(f"There is no alert {name}.", fix="mlinfra alerts list shows all alerts.")
    return found[0]


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
