"""The verbs over what monitors have recorded: figures, series, labels, backfill, references."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError, NotFound
from ..core.files import file_lock, write_atomic
from ..core.records import Page, now, page_of
from . import hourly_history, importance, label_files, labelled, labels, references
from .figures import HoursRecorded, MonitorFigures, PerformanceEstimate, ReferenceReport
from .hourly import sides_of
from .kpi import check_costs
from .labels import LabelReport
from .making import ReferenceMaker, answers_of
from .points import Point
from .recording import Plan, Recorder, newest_rows, used_in
from .segments import MOST_COLUMNS
from .series import HOUR, METRICS, SeriesStore, series
from .settings import MonitoringSettings
from .standing import Asked, figures_of
from .unjoined import LATE_SECONDS
from .windows import Window, window

if TYPE_CHECKING:
    import polars as pl

    from ..core.frames import Frame
    from ..core.project import Project
    from ..deployments import Deployments
    from ..experiments import Experiments
    from .references import Reference
    from .sketches import Sketch
    from .spec import Monitor
    from .store import MonitorStore
    from .vitals import Used

WINDOW = timedelta(hours=24)
"""How far back figures look by default."""

HOURS_A_ROUND = 48
"""A round of the evaluation records at most so many hours of a monitor; the next one goes on."""

WRITTEN_AFTER = 5.0
"""Seconds after which feedback is in the payload log."""


class MeasuringVerbs:
    """What monitors have recorded; the base of `Monitoring`."""

    _project: Project
    _deployments: Deployments
    _experiments: Experiments
    _store: MonitorStore

    def _version_of(self, deployment: str, version: str | None = None) -> tuple[str, str]:
        raise NotImplementedError

    @property
    def _series(self) -> SeriesStore:
        return SeriesStore(self._project)

    def configure(
        self,
        name: str,
        *,
        segments: Sequence[str] | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> None:
        """Change what a monitor records. segments: columns whose values are measured apart; costs:
        what each outcome (tp, fp, fn, tn) is worth. None leaves it as it is.
        """
        self._store.show(name)
        if segments is not None and len(segments) > MOST_COLUMNS:
            raise BadRequest(
                f"{len(segments)} columns are too many for segments.",
                f"A monitor has segments of at most {MOST_COLUMNS}.",
                "Name those that matter.",
            )
        worth = None if costs is None else check_costs(costs)
        self._series.ask(name, segments=segments, costs=worth)

    def figures(
        self,
        name: str,
        *,
        since: timedelta | None = None,
        version: str | None = None,
        segment: str = "",
        against: str = "reference",
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
        check_segment(monitor, plan, segment)

        def measured(start: float, end: float) -> Window:
            return window(
                self._series,
                self._deployments,
                name,
                plan,
                version=label,
                segment=segment,
                start=start,
                end=end,
            )

        if against == "reference":
            before, against = sides_of(plan.reference(label)), f"version:{model_version}"
            why = "" if before else self._reference_trouble(model_version)
        else:
            before, against = _before(against, measured, start, end)
            why = "" if before else f"Nothing was logged in {against}."
        asked = Asked(
            monitor=name,
            version=label,
            segment=segment,
            window=measured(start, end),
            against=against,
            before=before,
            labelled=labels.labelled_rows(
                self._series, name, version=label, segment=segment, start=start, end=end
            ),
            importance=self._importance(model_version),
            shifted=lambda: self._shifted(plan, label, model_version, start, end, segment),
            reasons={"drift": why} if why else {},
            used=None if segment else self._used(monitor.deployment, label, start, end),
        )
        found = figures_of(asked, plan, plan.reference(label))
        return replace(found, labels=self._series.unjoined(name).counts())

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
        self, name: str, ends: Sequence[datetime], *, window: timedelta
    ) -> tuple[list[Point], list[datetime]]:
        """What the hourly series say of windows that end then: of those that begin before the
        payload log all that is measured, of the others what only the series have; and the ends of
        the former.
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
                self._series, name, plan, versions, gone, window=window
            ),
            *hourly_history.only_hourly_points(
                self._series, name, ends[0] - window, ends[-1], window=window
            ),
        ]
        return found, gone

    def labels(
        self, name: str, source: Path | str | Frame | list[Mapping[str, Any]]
    ) -> LabelReport:
        """Join labels to the answers by request id, and measure real performance again. source: a
        CSV, Parquet or JSON file, a frame, or a list of mappings, with `request_id`, `label` and
        perhaps `row`.
        """
        monitor = self._store.show(name)
        if isinstance(source, str | Path):
            read = label_files.read_file(Path(source))
        elif isinstance(source, list):
            read = label_files.read_frame(label_files.frame_of(source))
        else:
            read = label_files.read_frame(source)
        return self._join(monitor, read)

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
        from .outcomes import outcomes_of

        watching = [item for item in self._store.monitors() if item.deployment == deployment]
        if not watching:
            return {}
        monitor, plan = watching[0].name, self._plan(watching[0])
        ends = since.timestamp(), until.timestamp()
        return {
            version: outcomes_of(self._series, monitor, plan, goal, version, *ends).tolist()
            for version in versions
        }

    def _join(
        self,
        monitor: Monitor,
        read: label_files.Labels,
        *,
        newest_first: bool = False,
        wait: bool = True,
    ) -> LabelReport:
        with self._recording(monitor.name, wait=wait):
            return labels.join(
                self._series,
                self._deployments,
                monitor.name,
                self._plan(monitor),
                read,
                at=now().timestamp(),
                newest_first=newest_first,
            )

    def backfill(
        self,
        name: str,
        *,
        again: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> HoursRecorded:
        """Record every closed hour of the payload log that is not recorded. again: all hours, also
        those that are. on_progress: called with hours done and to do.
        """
        return self._catch_up(self._store.show(name), None, again=again, on_progress=on_progress)

    def _record(self, monitor: Monitor) -> None:
        """What each round of the evaluation does: record what was closed since the last one.
        Raises Conflict while somebody else records: a backfill must not hold up the rules.
        """
        self._take_feedback(monitor)
        self._look_again(monitor)
        self._catch_up(monitor, HOURS_A_ROUND, wait=False)
        self._series.remove_before(monitor.name, self._first_hour())

    def _first_hour(self) -> int:
        """The oldest hour whose figures are kept."""
        days = self._project.settings.of(MonitoringSettings).series_days
        return int(now().timestamp() - days * 86_400) // HOUR * HOUR

    def _catch_up(
        self,
        monitor: Monitor,
        most: int | None,
        *,
        again: bool = False,
        wait: bool = True,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> HoursRecorded:
        """most: so many of the newest hours; None for all."""
        plan, recorder = self._plan(monitor), Recorder(self._series, self._deployments)
        if not plan.answers:
            # Nothing is known of its versions: what was recorded with their references stays.
            most = 0
        with self._recording(monitor.name, wait=wait):
            hours = recorder.missing(
                monitor.name, plan, now=now().timestamp(), since=self._first_hour(), again=again
            )
            if most is not None:
                hours = hours[len(hours) - min(most, len(hours)) :]
            rows = broken = 0
            for number, hour in enumerate(hours, start=1):
                done = recorder.record(monitor.name, plan, hour)
                rows, broken = rows + done.rows, broken + done.broken
                if on_progress:
                    on_progress(number, len(hours))
            if plan.costs and plan.answers:
                for hour in labels.outdated_hours(self._series, monitor.name, plan)[::-1][:most]:
                    labels.measure_hour(self._series, monitor.name, plan, hour)
        return HoursRecorded(
            monitor=monitor.name,
            hours=len(hours),
            rows=rows,
            broken=broken,
            since=datetime.fromtimestamp(hours[0], UTC) if hours else None,
            until=datetime.fromtimestamp(hours[-1] + HOUR, UTC) if hours else None,
        )

    def _take_feedback(self, monitor: Monitor) -> None:
        """Feedback with a truth is a label. Each round takes what came since the last one; the
        newest seconds are left to the next, since processes write them a moment later.
        """
        import polars as pl

        noted = self._project.folder("monitoring", "series", monitor.name) / "feedback.json"
        since = json.loads(noted.read_text())["until"] if noted.exists() else 0.0
        until = now().timestamp() - WRITTEN_AFTER
        try:
            found = self._deployments.payloads_feedback(
                monitor.deployment, since=datetime.fromtimestamp(since, UTC)
            )
        except NotFound:  # the deployment is gone
            return
        new = (pl.col("truth_texts").list.len() > 0) & (pl.col("ts").dt.epoch("us") / 1e6 < until)
        truths = found.filter(new)
        if truths.height:
            rows = truths.select(
                "request_id",
                pl.int_ranges(0, pl.col("truth_texts").list.len()).alias("row"),
                pl.col("truth_texts").alias("label"),
            ).explode("row", "label")
            read = replace(label_files.read_frame(rows), source="feedback")
            self._join(monitor, read, newest_first=True, wait=False)
        write_atomic(noted, json.dumps({"until": until}).encode())

    def _look_again(self, monitor: Monitor) -> None:
        """Join the labels that wait, if their requests are in the log now. Only what arrived after
        shortly before they came can be new.
        """
        unjoined = self._series.unjoined(monitor.name)
        waiting, at = unjoined.waiting(), now().timestamp()
        if not waiting.height:
            return
        with self._recording(monitor.name, wait=False):
            for (source,), rows in waiting.partition_by("source", as_dict=True).items():
                labels.join(
                    self._series,
                    self._deployments,
                    monitor.name,
                    self._plan(monitor),
                    label_files.of_waiting(rows, str(source)),
                    at=at,
                    since=float(rows.select("at").min().item()) - LATE_SECONDS,
                    wait=False,
                )

    def _recording(self, name: str, *, wait: bool = True) -> AbstractContextManager[int]:
        """Two processes do not write the hours of one monitor at once."""
        folder = self._project.folder("monitoring", "series", name)
        return file_lock(folder / "recording.lock", wait=wait, what=f"A recording of {name}")

    def make_reference(
        self,
        name: str,
        *,
        dataset: str | None = None,
        label: str | None = None,
        score: str | None = None,
    ) -> ReferenceReport:
        """Make the reference of the version with most of the traffic from the data that it was
        trained on, which lineage knows, or from another dataset.

        name: of a monitor or a deployment. label, score: columns with the true values and with the
        model's answers; without `score` the deployment is asked, if it is up.
        """
        try:
            deployment = self._store.show(name).deployment
        except NotFound:
            deployment = name
        return self._maker(deployment).make(
            *self._version_of(deployment), dataset=dataset, label=label, score=score
        )

    def _ensure_reference(self, deployment: str) -> None:
        """Make the reference of the version with most of the traffic, if it has none."""
        version, model_version = self._version_of(deployment)
        try:
            references.load(self._project, model_version)
        except NotFound:
            self._maker(deployment).make(version, model_version)

    def _maker(self, deployment: str) -> ReferenceMaker:
        return ReferenceMaker(
            self._project, self._deployments, self._experiments, deployment=deployment
        )

    def _plan(self, monitor: Monitor) -> Plan:
        segments, costs = self._series.asked(monitor.name)
        models = self._models(monitor.deployment)
        kept: dict[str, Reference | None] = {}

        def reference(version: str) -> Reference | None:
            if version not in kept:
                model = models.get(version) or next(iter(models.values()), "")
                kept[version] = self._loaded(f"{model}/{version.removeprefix('v')}")
            return kept[version]

        def digest(version: str) -> str:
            found = reference(version)
            return found.digest if found else ""

        return Plan(
            deployment=monitor.deployment,
            segments=segments,
            answers=answers_of(self._deployments, monitor.deployment),
            costs=costs,
            reference=reference,
            digest=digest,
        )

    def _models(self, deployment: str) -> Mapping[str, str]:
        try:
            versions = self._deployments.show(deployment).deployment.versions
        except NotFound:
            return {}
        return {item.version: item.model for item in versions}

    def _loaded(self, model_version: str) -> Reference | None:
        try:
            return references.load(self._project, model_version)
        except MLInfraError:
            return None

    def _reference_trouble(self, model_version: str) -> str:
        try:
            references.load(self._project, model_version)
        except MLInfraError as error:
            return str(error)
        return ""

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


def check_segment(monitor: Monitor, plan: Plan, segment: str) -> None:
    """Raise BadRequest for a segment of a column that the monitor does not keep apart."""
    if segment and segment.partition("=")[0] not in plan.segments:
        raise BadRequest(
            f"Monitor {monitor.name} has no segment {segment}.",
            f"It has segments of: {', '.join(plan.segments) or 'no column'}.",
            f"mlinfra monitors watch {monitor.deployment} --name {monitor.name} --segment COLUMN",
        )


def _before(
    against: str, measured: Callable[[float, float], Window], start: float, end: float
) -> tuple[Mapping[str, Sketch], str]:
    """The sketches of the window before, or of another span of time, and which it is."""
    span = (2 * start - end, start) if against == "previous" else _span(against)
    name = "..".join(datetime.fromtimestamp(at, UTC).isoformat() for at in span)
    return measured(*span).sketches, name


def _span(text: str) -> tuple[float, float]:
    """`START..END` as seconds since 1970; a time without a zone is UTC. Raises BadRequest."""
    try:
        start, end = (_moment(part) for part in text.split(".."))
        if start < end:
            return start, end
    except ValueError:
        pass
    raise BadRequest(
        f"{text!r} is nothing that drift can be against.",
        "It is reference, previous, or START..END with two times in order.",
        "For example --against 2026-11-01..2026-11-08",
    )


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
