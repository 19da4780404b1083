"""Routes that read the payload log of a deployment: requests, latency, verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from ...faces.handler import Handler, access
from ...faces.parameters import Count, Cursor, Interval, Limit, Name, Text

if TYPE_CHECKING:
    from ...core.records import Page
    from ..latencies import LatencySeries
    from ..requests import LoggedRequest, LoggedRequestDetail
    from ..version_verdicts import VersionVerdict

read, _, _ = access("deployments")

Seconds = Annotated[float, Interval(gt=0, le=366 * 86_400)]


class RequestList(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        version: Text = "",
        outcome: Literal["answered", "refused", "failed"] | None = None,
        since: Seconds | None = None,
        until: Seconds | None = None,
        shadow: bool = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[LoggedRequest]:
        """Rows of the payload log, newest first. since, until: how many seconds ago. shadow: the
        copies that shadows answered instead.
        """
        return self.bench.deployments.requests(
            name,
            version=version,
            outcome=outcome,
            since=_span(since),
            until=_span(until),
            shadow=shadow,
            limit=limit,
            cursor=cursor,
        )


class RequestPage(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        id: Name,
        at: Name | None = None,
        row: Count = 0,
        shadow: bool = False,
        version: str = "",
    ) -> LoggedRequestDetail:
        """One row of a logged request, by its id and the time at which it arrived; without it the
        newest with that id. shadow: the copy that a shadow answered. version: that answered it;
        several shadows may.
        """
        return self.bench.deployments.request(
            name, id, at=at, row=row, shadow=shadow, version=version
        )


class Latencies(Handler):
    @read(slow=True)
    def get(self, name: str, *, since: Seconds = 3600) -> LatencySeries:
        """Latency and rate of each version in the last `since` seconds."""
        return self.bench.deployments.latencies(name, since=timedelta(seconds=since))


class VerdictPage(Handler):
    @read(slow=True)
    def get(
        self,
        name: str,
        *,
        control: Text = "",
        treatment: Text = "",
        measure: Literal["errors", "latency", "quality", "kpi", "reward"] = "errors",
    ) -> VersionVerdict:
        """Whether one version is better than another, since the traffic was last changed.

        control: by default the stable version. treatment: by default the canary.
        measure: quality and kpi need labels, reward needs feedback.
        """
        return self.bench.deployments.verdict(
            name, control=control, treatment=treatment, measure=measure
        )


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


ROUTES = {
    "deployments/deployments/{name}/requests": RequestList,
    "deployments/deployments/{name}/request": RequestPage,
    "deployments/deployments/{name}/latency": Latencies,
    "deployments/deployments/{name}/verdict": VerdictPage,
}
