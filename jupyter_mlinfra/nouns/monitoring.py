"""`ml.monitor` and `ml.alert`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import NotFound
from ..core.records import every, from_seconds
from ..core.refs import named
from ..widgets.reprs import Records
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    import polars as pl

    from ..core.frames import Frame
    from ..monitoring.figures import HoursRecorded, MonitorFigures, ReferenceReport
    from ..monitoring.labels import LabelReport
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

    def figures(
        self,
        since: timedelta | None = None,
        *,
        version: str | None = None,
        segment: str = "",
        against: str = "reference",
    ) -> MonitorFigures:
        """Drift, performance, KPI and service of one version in the window since then. against:
        `reference`, `previous`, or `START..END`.
        """
        return self.workbench.monitoring.figures(
            self.name, since=since, version=version, segment=segment, against=against
        )

    def series(
        self,
        metric: str,
        *,
        feature: str | None = None,
        version: str | None = None,
        segment: str = "",
        since: timedelta | None = None,
    ) -> pl.DataFrame:
        """One metric by the hour: start, end, value, rows."""
        import polars as pl

        found = every(
            self.workbench.monitoring.series,
            name=self.name,
            metric=metric,
            feature=feature,
            version=version,
            segment=segment,
            since=since,
        )
        rows = [(from_seconds(p.start), from_seconds(p.end), p.value, p.rows) for p in found]
        moment = pl.Datetime("us", "UTC")
        schema: dict[str, pl.DataType] = {
            "start": moment,
            "end": moment,
            "value": pl.Float64(),
            "rows": pl.Int64(),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def labels(self, source: Path | str | Frame) -> LabelReport:
        """Join labels to the answers by request id: a file, or a frame with `request_id`, `label`
        and perhaps `row`.
        """
        return self.workbench.monitoring.labels(self.name, source)

    def backfill(self, *, again: bool = False) -> HoursRecorded:
        """Record the hours of the payload log that are not recorded; again: all of them."""
        return self.workbench.monitoring.backfill(self.name, again=again)

    def reference(
        self, dataset: str | None = None, *, label: str | None = None, score: str | None = None
    ) -> ReferenceReport:
        """Make the reference from the training data, or from another dataset."""
        return self.workbench.monitoring.make_reference(
            self.name, dataset=dataset, label=label, score=score
        )

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
