"""The verbs over what monitors have recorded: figures, series, labels, backfill, references."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError, NotFound
from ..core.files import file_lock, write_atomic
from ..core.records import Page, now, page_of
from . import importance, label_files, labelled, labels, references
from .figures import HoursRecorded, MonitorFigures, PerformanceEstimate, ReferenceReport
from .kpi import check_costs
from .labels import LabelReport
from .points import sides_of
from .recording import Plan, Recorder
from .segments import MOST_COLUMNS
from .series import HOUR, METRICS, Point, SeriesStore, series
from .settings import MonitoringSettings
from .standing import Asked, figures_of
from .training_data import training_data
from .windows import Window, window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..core.frames import Frame
    from ..core.project import Project
    from ..deployments import Deployments
    from ..experiments import Experiments
    from .references import Reference
    from .sketches import Sketch
    from .spec import Monitor
    from .store import MonitorStore

WINDOW = timedelta(hours=24)
"""How far back figures look by default."""

HOURS_A_ROUND = 48
"""A round of the evaluation records at most so many hours of a monitor; the next one goes on."""

WRITTEN_AFTER = 5.0
"""Seconds after which feedback is in the payload log."""

ANSWERED = 5_000
"""Rows of the training data that a deployment is asked for their answers, at most."""
_AT_ONCE = 500


class History:
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
        plan, reasons = self._plan(monitor), dict[str, str]()
        if segment and segment.partition("=")[0] not in plan.segments:
            raise BadRequest(
                f"Monitor {name} has no segment {segment}.",
                f"It has segments of: {', '.join(plan.segments) or 'no column'}.",
                f"mlinfra monitors watch {monitor.deployment} --name {name} --segment COLUMN",
            )

        def measured(since: float, until: float) -> Window:
            return window(
                self._series,
                self._deployments,
                name,
                plan,
                version=label,
                segment=segment,
                start=since,
                end=until,
            )

        before: Mapping[str, Sketch] = {}
        if against == "reference":
            before = sides_of(plan.reference(label))
            against = f"version:{model_version}"
            if not before:
                reasons["drift"] = self._reference_trouble(model_version)
        else:
            span = (2 * start - end, start) if against == "previous" else _span(against)
            before = measured(*span).sketches
            against = "..".join(datetime.fromtimestamp(at, UTC).isoformat() for at in span)
            if not before:
                reasons["drift"] = f"Nothing was logged in {against}."
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
            reasons=reasons,
        )
        return figures_of(asked, plan, plan.reference(label))

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

    def _join(
        self, monitor: Monitor, read: label_files.Labels, *, newest_first: bool = False
    ) -> LabelReport:
        with self._recording(monitor.name):
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
        """What each round of the evaluation does: record what was closed since the last one."""
        self._take_feedback(monitor)
        self._catch_up(monitor, HOURS_A_ROUND)
        days = self._project.settings.of(MonitoringSettings).series_days
        self._series.remove_before(
            monitor.name, int(now().timestamp() - days * 86_400) // HOUR * HOUR
        )

    def _catch_up(
        self,
        monitor: Monitor,
        most: int | None,
        *,
        again: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> HoursRecorded:
        plan, recorder = self._plan(monitor), Recorder(self._series, self._deployments)
        with self._recording(monitor.name):
            hours = recorder.missing(monitor.name, plan, now=now().timestamp(), again=again)[:most]
            rows = broken = 0
            for number, hour in enumerate(hours, start=1):
                done = recorder.record(monitor.name, plan, hour)
                rows, broken = rows + done.rows, broken + done.broken
                if on_progress:
                    on_progress(number, len(hours))
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
        new = (pl.col("truth").list.len() > 0) & (pl.col("ts").dt.epoch("us") / 1e6 < until)
        truths = found.filter(new)
        if truths.height:
            rows = truths.select(
                "request_id",
                pl.int_ranges(0, pl.col("truth").list.len()).alias("row"),
                pl.col("truth").alias("label"),
            ).explode("row", "label")
            self._join(monitor, label_files.read_frame(rows), newest_first=True)
        write_atomic(noted, json.dumps({"until": until}).encode())

    def _recording(self, name: str) -> AbstractContextManager[int]:
        """Two processes do not write the hours of one monitor at once."""
        return file_lock(self._project.folder("monitoring", "series", name) / "recording.lock")

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
        version, model_version = self._version_of(deployment)
        return self._made_reference(deployment, version, model_version, dataset, label, score)

    def _ensure_reference(self, deployment: str) -> None:
        """Make the reference of the version with most of the traffic, if it has none."""
        version, model_version = self._version_of(deployment)
        try:
            references.load(self._project, model_version)
        except NotFound:
            self._made_reference(deployment, version, model_version)

    def _made_reference(
        self,
        deployment: str,
        version: str,
        model_version: str,
        dataset: str | None = None,
        label: str | None = None,
        score: str | None = None,
    ) -> ReferenceReport:
        import polars as pl

        extra = [column for column in (label, score) if column]
        data = training_data(
            self._project, self._experiments, model_version, dataset=dataset, extra=extra
        )
        notes = list[str]()
        inputs = data.rows.select(data.inputs)
        rows, answers = data.rows, None
        if score:
            answers = data.rows[score].cast(pl.Float64).to_numpy()[:, None]
        else:
            rows = data.rows.gather_every(-(-data.rows.height // ANSWERED) or 1)
            answers, why = self._ask(deployment, version, rows.select(data.inputs))
            if why:
                notes.append(f"The distribution of the answers is not known: {why}")
            if why and label:
                notes.append("Performance cannot be estimated without the answers: --score COLUMN")
        made = references.make(model_version, inputs, None, made_from=data.dataset)
        made = references.with_score(made, None if answers is None else answers[:, 0])
        if label and answers is not None:
            logged = rows.select(data.inputs).with_columns(
                pl.Series("prediction" if not place else f"prediction_{place}", answers[:, place])
                for place in range(answers.shape[1])
            )
            truth = rows[label].cast(pl.Float64, strict=False).to_numpy()
            path = references.path_of(self._project, model_version)
            made = labelled.learned(
                made, path, logged, data.inputs, truth, self._answers(deployment)
            )
            if dataset is None:
                notes.append(
                    "Estimates from the training data are too good: give labelled data that the"
                    " model has not seen, by --from."
                )
        references.save(self._project, made)
        return ReferenceReport(
            version=model_version,
            made_from=data.dataset,
            rows=data.rows.height,
            of_rows=data.of_rows,
            features=list(data.inputs),
            answers=answers is not None,
            labels=bool(made.calibrations or made.errors),
            notes=notes,
        )

    def _ask(
        self, deployment: str, version: str, rows: pl.DataFrame
    ) -> tuple[np.ndarray | None, str]:
        """The deployment's answers for some rows, which are not logged; else why there are none."""
        import numpy as np

        found = []
        try:
            for start in range(0, rows.height, _AT_ONCE):
                answer = self._deployments.predict(
                    deployment, rows[start : start + _AT_ONCE], version=version, logged=False
                )
                found += [item if isinstance(item, list) else [item] for item in answer.predictions]
            return np.asarray(found, float), ""
        except (MLInfraError, ValueError) as error:
            return None, str(error)

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
            answers=self._answers(monitor.deployment),
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

    def _answers(self, deployment: str) -> str:
        """What the deployment answers: classes, probabilities or values."""
        try:
            return self._deployments.show(deployment).answers or "values"
        except NotFound:
            return "values"

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
        import polars as pl

        if segment:
            return "It is computed for all rows only."
        path = references.path_of(self._project, model_version)
        if not labelled.has_sample(path):
            return labelled.NO_SAMPLE
        frames, rows, until = list[pl.DataFrame](), 0, end
        while until > start and rows < labelled.SAMPLE:
            since = max(start, until - HOUR)
            for part in self._deployments.payload_parts(
                plan.deployment,
                since=datetime.fromtimestamp(since, UTC),
                until=datetime.fromtimestamp(until, UTC),
            ):
                some = part.rows.filter((pl.col("version") == version) & (pl.col("status") < 400))
                frames.append(some)
                rows += some.height
            until = since
        if not frames:
            return "No row was answered in the window."
        found = pl.concat(frames, how="diagonal_relaxed").head(labelled.SAMPLE)
        return labelled.estimated_under_shift(path, found)


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
