"""The verbs over what monitors have recorded: figures, series, known labels and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError
from ...core.records import Page, now, page_of
from ..against import REFERENCE, span_before
from ..figures import MonitorFigures, PerformanceEstimate
from ..hours import comparisons, hourly_history
from ..hours.hourly import sides_of
from ..hours.points import Point
from ..hours.recording import Plan, newest_rows, used_in
from ..hours.series import HOUR, METRICS, series
from ..hours.standing import Asked, figures_of, kpi_value
from ..hours.windows import Window, window
from ..labels import joining as labels
from ..masking import column_of
from ..measures import importance
from ..references import labelled
from ..references import profiles as references
from .recording import RecordingVerbs

if TYPE_CHECKING:
    import polars as pl

    from ..hours.sketches import Sketch
    from ..hours.vitals import Used
    from ..spec import Monitor

WINDOW = timedelta(hours=24)
"""How far back figures look by default."""


class MeasuringVerbs(RecordingVerbs):
    """What monitors have recorded; a base of `Monitoring`."""

    def figures(
        self,
        name: str,
        *,
        since: timedelta | None = None,
        version: str | None = None,
        segment: str = "",
        against: str = REFERENCE,
    ) -> MonitorFigures:
        """Everything that is measured of one version in the window that ends now.

        version: `v3`; by default the one with most of the traffic. segment: `column=value`; empty:
        all rows. against: what drift is against: `reference`, `previous` (the window before), or a
        span of time, `START..END` in ISO 8601.
        """
        monitor, end = self._store.show(name), now().timestamp()
        start = end - (since or WINDOW).total_seconds()
        label, model_version = self._version_of(monitor.deployment, version)
        plan = self._plan(monitor)
        self._check_segment(monitor, plan, segment)
        rows = {"version": label, "segment": segment}

        def measured(start: float, end: float) -> Window:
            log = self._deployments
            return window(self._series, log, name, plan, **rows, start=start, end=end)

        def kept_in(start: float, end: float) -> pl.DataFrame:
            return labels.kept_rows(self._series, name, **rows, start=start, end=end, plan=plan)

        reference = plan.reference(label)
        if against == REFERENCE:
            before, against = sides_of(reference), f"version:{model_version}"
            why = "" if before else self._reference_trouble(model_version)
        else:
            before, against, why = _before(against, measured, start, end)
        asked = Asked(
            monitor=name,
            **rows,
            window=measured(start, end),
            against=against,
            before=before,
            kept=kept_in(start, end),
            importance=self._importance(model_version),
            shifted=lambda: self._shifted(plan, label, model_version, start, end, segment),
            reasons={"drift": why} if why else {},
            used=None if segment else self._used(monitor.deployment, label, start, end),
        )
        found = figures_of(asked, plan, reference)
        earlier = kept_in(2 * start - end, start) if found.kpi else None
        return replace(
            self._masking.figures(self._with_segment(found, monitor.deployment)),
            labels=self._series.unjoined(name).counts(),
            kpi_before=None if earlier is None else kpi_value(earlier, plan, label),
        )

    def _check_segment(self, monitor: Monitor, plan: Plan, segment: str) -> None:
        """Raise BadRequest for a segment of a column that the monitor does not keep apart."""
        column = column_of(segment)
        if not segment or column in plan.segments:
            return
        unknown = self._unknown_columns(monitor.deployment, [column])
        raise BadRequest(
            f"Monitor {monitor.name} has no segment {segment}.",
            f"It has segments of: {', '.join(plan.segments) or 'no column'}. {unknown}".rstrip(),
            f"mlinfra monitors watch {monitor.deployment} --name {monitor.name} --segment COLUMN",
        )

    def _with_segment(self, found: MonitorFigures, deployment: str) -> MonitorFigures:
        """With the reason why a segment has no row."""
        if found.rows or not found.segment:
            return found
        why = self._unknown_columns(deployment, [column_of(found.segment)])
        said = why or f"No row of the window has {found.segment}."
        return replace(found, reasons={**found.reasons, "segment": said})

    def _used(self, deployment: str, version: str, start: float, end: float) -> Used | None:
        return used_in(self._deployments, deployment, start, end).get(version)

    def labels_known(self, deployment: str, *, since: datetime, until: datetime) -> pl.DataFrame:
        """The answered rows of a deployment that have a label in any of its monitors, each once:
        request_id, row, ts (seconds since 1970), version, label (null for the name of a class),
        text (the label as it was reported), outputs.
        """
        names = [item.name for item in self._store.monitors() if item.deployment == deployment]
        return labels.known_rows(
            self._series, names, start=since.timestamp(), end=until.timestamp()
        )

    def series(
        self,
        name: str,
        *,
        metric: str,
        feature: str | None = None,
        version: str | None = None,
        segment: str = "",
        since: timedelta | None = None,
        limit: int = 500,
        cursor: str | None = None,
    ) -> Page[Point]:
        """One metric by the hour, oldest first. version: by default that with most of the traffic.
        An hour without a measurement is a point without a value.
        """
        monitor = self._store.show(name)
        if metric not in METRICS and f"{metric.partition('.')[0]}." not in METRICS:
            raise BadRequest(
                f"{metric!r} is no metric.",
                f"Metrics are {', '.join(item + 'NAME' * item.endswith('.') for item in METRICS)}.",
                "For example --metric psi --feature NAME",
            )
        if segment:
            self._masking.check_segments([column_of(segment)])
        asked = {"version": version or self._version_of(monitor.deployment)[0]}
        if feature is not None:
            asked["feature"] = feature
        if segment:
            asked["segment"] = segment
        until = int(now().timestamp()) // HOUR * HOUR
        start = until - (since or WINDOW).total_seconds()
        found = series(self._series, name, metric, since=start, until=until, labels=asked)
        return page_of(found, limit=limit, cursor=cursor)

    def past_points(
        self,
        name: str,
        ends: Sequence[datetime],
        *,
        window: timedelta,
        against: Sequence[str] = (),
        seconds: float = inf,
    ) -> tuple[list[Point], list[datetime]]:
        """What the hourly series say of windows that end then: of those that begin before the
        payload log all that is measured, of the others what only the series have; and the ends of
        the former. against: also the drift against these, see `against`, of whole hours. seconds:
        see `sketched_points`.
        """
        monitor, recorded = self._store.show(name), self._series.recorded(name)
        if not ends:
            return [], []
        begun = self._deployments.payloads_since(monitor.deployment) or now()
        older = bool(recorded) and min(recorded) + HOUR <= begun.timestamp()
        gone = [end for end in ends if older and end - window < begun]
        plan, versions = self._plan(monitor), self._models(monitor.deployment)
        found = [
            *hourly_history.sketched_points(
                self._series, name, plan, versions, gone, window=window, seconds=seconds
            ),
            *self._masking.points(
                hourly_history.only_hourly_points(
                    self._series, name, ends[0] - window, ends[-1], window=window
                )
            ),
        ]
        if not set(against) - {REFERENCE}:
            return found, gone
        label, _ = self._version_of(monitor.deployment)
        for end in ends:
            found += [
                replace(point, start=(end - window).timestamp(), end=end.timestamp())
                for point in self.points_against(
                    name, against, _whole_hour(end), window, version=label
                ).points
            ]
        return found, gone

    def points_against(
        self, name: str, against: Sequence[str], at: datetime, length: timedelta, *, version: str
    ) -> comparisons.AgainstOthers:
        """The drift of the window that ends then against each of these but the reference."""
        plan = self._plan(self._store.show(name))

        def measured(start: float, end: float) -> Window:
            ends = {"start": start, "end": end}
            return window(
                self._series, self._deployments, name, plan, version=version, segment="", **ends
            )

        start, end = (at - length).timestamp(), at.timestamp()
        return comparisons.points_against(measured, plan, version, against, start, end)

    def outcomes(
        self,
        deployment: str,
        goal: str,
        versions: Sequence[str],
        since: datetime,
        until: datetime,
    ) -> Mapping[str, Sequence[float]]:
        """What the labelled answers of each version were worth, by the first monitor of their
        deployment; none without a monitor. goal: `kpi` or `error`.
        """
        from ..labels.outcomes import outcomes_of

        watching = [item for item in self._store.monitors() if item.deployment == deployment]
        if not watching:
            return {}
        monitor, plan = watching[0].name, self._plan(watching[0])
        ends = since.timestamp(), until.timestamp()
        return {
            version: outcomes_of(self._series, monitor, plan, goal, version, *ends).tolist()
            for version in versions
        }

    def _importance(self, model_version: str) -> Mapping[str, float] | None:
        try:
            return importance.of_model(self._experiments.download(model_version))
        except MLInfraError:
            return None

    def _shifted(
        self,
        plan: Plan,
        version: str,
        model_version: str,
        start: float,
        end: float,
        segment: str,
    ) -> PerformanceEstimate | str:
        """PAPE of the newest rows of the window."""
        if segment:
            return "It is computed for all rows only."
        path = references.path_of(self._project, model_version)
        if not labelled.has_sample(path):
            return labelled.NO_SAMPLE
        rows = newest_rows(self._deployments, plan, version, start, end, most=labelled.SAMPLE)
        return labelled.estimated_under_shift(path, rows)


def _before(
    against: str, measured: Callable[[float, float], Window], start: float, end: float
) -> tuple[Mapping[str, Sketch], str, str]:
    """The sketches of the window before, or of another span of time, which it is, and why there
    are none.
    """
    span = _span(against, start, end)
    name = "..".join(datetime.fromtimestamp(at, UTC).isoformat() for at in span)
    found = measured(*span).sketches
    return found, name, "" if found else f"Nothing was logged in {name}."


def _span(text: str, start: float, end: float) -> tuple[float, float]:
    """The span of time that a window is against. Raises BadRequest."""
    try:
        return span_before(text, start, end)
    except ValueError:
        raise BadRequest(
            f"{text!r} is nothing that drift can be against.",
            "It is reference, previous, or START..END with two times in order.",
            "For example --against 2026-11-01..2026-11-08",
        ) from None


def _whole_hour(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // HOUR * HOUR, UTC)
