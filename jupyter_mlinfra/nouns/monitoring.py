"""`ml.monitor` and `ml.alert`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.records import every, from_seconds
from ..faces.parse import span as parsed_span
from ..widgets.reprs import Records
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    import polars as pl

    from ..core.frames import Frame
    from ..monitoring.alerts.spec import AlertChange, AlertDetail, AlertNotebook
    from ..monitoring.causes.spec import FeatureCause
    from ..monitoring.figures import HoursRecorded, MonitorFigures, ReferenceReport
    from ..monitoring.labels.joining import LabelReport
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
        return self.workbench.alerts.silence(self.name, span=parsed_span(span), why=why)

    def notebook(self, path: str | None = None) -> AlertNotebook:
        """Write a notebook on the bad window."""
        return self.workbench.alerts.notebook(self.name, path=path)

    def _shown(self) -> Any:
        return self.workbench.alerts.show(self.name)


@dataclass(frozen=True)
class MonitorHandle(Shown):
    """One monitor. since: how far the window goes back, `24h` or a timedelta; by default a day."""

    workbench: Workbench = field(repr=False)
    name: str

    def status(self, since: str | timedelta | None = None) -> MonitorStatus:
        """Drift, latency and alerts of the window since then; the alerts are those of the last
        evaluation.
        """
        return self.workbench.monitoring.status(self.name, since=parsed_span(since))

    def figures(
        self,
        since: str | timedelta | None = None,
        *,
        version: str | None = None,
        segment: str = "",
        against: str = "reference",
    ) -> MonitorFigures:
        """Drift, performance, KPI and service of one version in the window since then. against:
        `reference`, `previous`, or `START..END`.
        """
        return self.workbench.monitoring.figures(
            self.name, since=parsed_span(since), version=version, segment=segment, against=against
        )

    def series(
        self,
        metric: str,
        *,
        feature: str | None = None,
        version: str | None = None,
        segment: str = "",
        since: str | timedelta | None = None,
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
            since=parsed_span(since),
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

    def distribution(
        self,
        feature: str,
        start: str | datetime,
        end: str | datetime | None = None,
        *,
        version: str | None = None,
        segment: str = "",
    ) -> FeatureDrift:
        """The values of one feature (`prediction` for the answers) in a span of time, by default an
        hour, over the bins of the reference. start, end: in ISO 8601, UTC without a zone.
        """
        return self.workbench.monitoring.distribution(
            self.name,
            feature,
            _moment(start),
            None if end is None else _moment(end),
            version=version,
            segment=segment,
        )

    def cause(self, feature: str, *, version: str | None = None) -> FeatureCause:
        """Where a feature comes from: the dataset, the step and the cell that made it, and what
        changed there since. Notebooks are read, never run.
        """
        return self.workbench.monitoring.cause(self.name, feature, version=version)

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

    def evaluate(self, since: str | timedelta | None = None) -> MonitorStatus:
        """Measure the window now, and update its alerts."""
        return self.workbench.monitoring.evaluate(self.name, since=parsed_span(since))

    def alerts(self, *, firing: bool = False) -> Sequence[Alert]:
        """Its alerts, firing ones first."""
        return Records(
            [
                item
                for item in every(self.workbench.monitoring.alerts, firing=firing)
                if item.monitor == self.name
            ]
        )

    def frame(self, since: str | timedelta | None = None) -> pl.DataFrame:
        """The logged requests."""
        return self.workbench.monitoring.frame(self.name, since=parsed_span(since))

    def refused(self, since: str | timedelta | None = None) -> pl.DataFrame:
        """Requests that were refused or failed: the reason, and what was sent."""
        return self.workbench.monitoring.refused(self.name, since=parsed_span(since))

    def _shown(self) -> Any:
        return self.status()


def _moment(at: str | datetime) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at
