"""Routes of monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from ...core.errors import Forbidden
from ...core.exposition import MEDIA_TYPE
from ...faces.handler import Handler, access, elsewhere
from ...faces.parameters import Cursor, Interval, Limit, Name

if TYPE_CHECKING:
    from ...core.records import Page
    from ...jobs.spec import Job
    from ..causes.spec import FeatureCause
    from ..figures import HeatMap, MonitorFigures
    from ..hours.points import Point
    from ..labels.joining import LabelReport
    from ..spec import FeatureDrift, Monitor, MonitorStatus

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


class Heat(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        metric: str = "psi",
        since: Seconds | None = None,
        version: str | None = None,
        segment: str = "",
        words: str = "",
        limit: Limit = 50,
    ) -> HeatMap:
        """One metric of every feature by the hour in the last `since` seconds, the most suspect
        feature first; `words` for only those with that in their name.
        """
        return self.bench.monitoring.heat(
            name,
            metric=metric,
            since=_window(since),
            version=version,
            segment=segment,
            words=words,
            limit=limit,
        )


class Distribution(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        feature: str,
        start: datetime,
        end: datetime | None = None,
        version: str | None = None,
        segment: str = "",
    ) -> FeatureDrift:
        """The values of one feature (`prediction` for the answers) from `start` to `end`, an hour
        later by default, over the bins of the reference.
        """
        return self.bench.monitoring.distribution(
            name, feature, start, end, version=version, segment=segment
        )


class Cause(Handler):
    @read(slow=True)
    def get(self, name: str, *, feature: str, version: str | None = None) -> FeatureCause:
        """Where a feature comes from: dataset, step and cell, and what changed there. It shows code
        as jobs ran it and as it is now, so the user must also be allowed to read jobs and files.
        """
        if not self.allowed("read", ["jobs"]):
            raise Forbidden(
                "You may not see the code that made a feature.",
                "The Jupyter server allows you the monitors, but not to read jobs.",
                "Ask whoever runs the server.",
            )
        if not self.context.on_loop(lambda: self.allows("read", "contents")):
            raise Forbidden(
                "You may not see the code that made a feature.",
                "The Jupyter server does not allow you to read files.",
                "Ask whoever runs the server.",
            )
        return self.bench.monitoring.cause(name, feature, version=version)


class Metrics(Handler):
    @read(slow=True, media=MEDIA_TYPE)
    def get(self) -> str:
        """What the rules of every monitor judge now, as Prometheus scrapes it."""
        return self.bench.monitoring.metrics()


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


class Labels(Handler):
    @write(slow=True)
    def post(self, name: str, *, labels: Sequence[Mapping[str, Any]]) -> LabelReport:
        """Join labels to the answers: objects with `request_id`, `label` and perhaps `row`."""
        return self.bench.monitoring.labels(name, list(labels))


class Reference(Handler):
    @execute(slow=elsewhere)
    def post(
        self,
        name: str,
        *,
        dataset: Name | None = None,
        label: Name | None = None,
        score: Name | None = None,
    ) -> Job:
        """Make the reference from a dataset, by default from the training data: a job. name: of a
        monitor or a deployment.
        """
        options = {"from": dataset, "label": label, "score": score}
        return self.as_job("monitors reference", name, of=name, **options)


class Record(Handler):
    @execute(slow=elsewhere)
    def post(self, name: str, *, again: bool = False) -> Job:
        """Record the hours of the payload log that are not recorded, or all again: a job."""
        return self.as_job("monitors backfill", name, of=name, again=again)


class Evaluate(Handler):
    @execute(slow=True)
    def post(self, name: str, *, since: Seconds | None = None) -> MonitorStatus:
        """Evaluate the rules now and update the states of the alerts."""
        return self.bench.monitoring.evaluate(name, since=_window(since))


def _window(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


ROUTES = {
    "monitoring/metrics": Metrics,
    "monitoring/monitors": MonitorList,
    "monitoring/monitors/{name}": MonitorPage,
    "monitoring/monitors/{name}/evaluate": Evaluate,
    "monitoring/monitors/{name}/backfill": Record,
    "monitoring/monitors/{name}/cause": Cause,
    "monitoring/monitors/{name}/distribution": Distribution,
    "monitoring/monitors/{name}/figures": Figures,
    "monitoring/monitors/{name}/heat": Heat,
    "monitoring/monitors/{name}/labels": Labels,
    "monitoring/monitors/{name}/reference": Reference,
    "monitoring/monitors/{name}/series": Series,
}
