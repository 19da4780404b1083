"""Routes of monitors and alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from ...faces.handler import Handler, access
from ...faces.parameters import Cursor, Interval, Limit, Name

if TYPE_CHECKING:
    from ...core.records import Page
    from ..figures import MonitorFigures
    from ..series import Point
    from ..spec import Alert, Monitor, MonitorStatus

read, write, execute = access("monitoring")

Seconds = Annotated[float, Interval(gt=0, le=366 * 86_400)]


class MonitorList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Monitor]:
        """Monitors by name."""
        return self.bench.monitoring.list(limit=limit, cursor=cursor)

    @write
    def post(self, *, deployment: Name, name: Name | None = None) -> Monitor:
        """Watch a deployment."""
        return self.bench.monitoring.watch(deployment, name=name)


class MonitorPage(Handler):
    @read(slow=True)
    def get(self, name: str, *, since: Seconds | None = None) -> MonitorStatus:
        """Drift and service of the last `since` seconds; by default the monitor's own window."""
        return self.bench.monitoring.status(name, since=_window(since))


class Figures(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        since: Seconds | None = None,
        version: str | None = None,
        segment: str = "",
        against: str = "reference",
    ) -> MonitorFigures:
        """Drift, performance, KPI and service of one version in the last `since` seconds; see
        `mlinfra monitors status`.
        """
        return self.bench.monitoring.figures(
            name, since=_window(since), version=version, segment=segment, against=against
        )


class Series(Handler):
    @read
    def get(
        self,
        name: str,
        *,
        metric: str,
        feature: str | None = None,
        version: str | None = None,
        segment: str = "",
        since: Seconds | None = None,
        limit: Limit = 500,
        cursor: Cursor = None,
    ) -> Page[Point]:
        """One metric by the hour, oldest first; an hour that was not measured has no value."""
        return self.bench.monitoring.series(
            name,
            metric=metric,
            feature=feature,
            version=version,
            segment=segment,
            since=_window(since),
            limit=limit,
            cursor=cursor,
        )


class Evaluate(Handler):
    @execute(slow=True)
    def post(self, name: str, *, since: Seconds | None = None) -> MonitorStatus:
        """Evaluate the rules now and update the states of the alerts."""
        return self.bench.monitoring.evaluate(name, since=_window(since))


class AlertList(Handler):
    @read
    def get(self, *, firing: bool = False, limit: Limit = 50, cursor: Cursor = None) -> Page[Alert]:
        """Alerts, firing ones first; `firing` for only those."""
        return self.bench.monitoring.alerts(firing=firing, limit=limit, cursor=cursor)


def _window(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


ROUTES = {
    "monitoring/monitors": MonitorList,
    "monitoring/monitors/{name}": MonitorPage,
    "monitoring/monitors/{name}/evaluate": Evaluate,
    "monitoring/monitors/{name}/figures": Figures,
    "monitoring/monitors/{name}/series": Series,
    "monitoring/alerts": AlertList,
}
