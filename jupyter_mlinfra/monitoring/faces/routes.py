"""Routes of monitors."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from ...faces.handler import Handler, access
from ...faces.parameters import Cursor, Interval, Limit, Name

if TYPE_CHECKING:
    from ...core.records import Page
    from ..spec import Monitor, MonitorStatus

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


class Evaluate(Handler):
    @execute(slow=True)
    def post(self, name: str, *, since: Seconds | None = None) -> MonitorStatus:
        """Evaluate the rules now and update the states of the alerts."""
        return self.bench.monitoring.evaluate(name, since=_window(since))


def _window(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


ROUTES = {
    "monitoring/monitors": MonitorList,
    "monitoring/monitors/{name}": MonitorPage,
    "monitoring/monitors/{name}/evaluate": Evaluate,
}
