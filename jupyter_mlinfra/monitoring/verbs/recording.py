"""The verbs that write the hourly series: the payload log by the hour, and labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound
from ...core.files import file_lock, write_atomic
from ...core.records import now
from ..figures import HoursRecorded
from ..hours.recording import Recorder
from ..hours.series import HOUR
from ..labels import files as label_files
from ..labels import joining as labels
from ..labels.joining import LabelReport
from ..measures.answers import MOST_OUTPUTS
from ..measures.kpi import REWARD
from ..settings import MonitoringSettings
from .references import ReferenceVerbs

if TYPE_CHECKING:
    import polars as pl

    from ...core.frames import Frame
    from ..spec import Monitor

HOURS_A_ROUND = 48
"""A round of the evaluation records at most so many hours of a monitor; the next one goes on."""

WRITTEN_AFTER = 5.0
"""Seconds after which feedback is in the payload log."""


class RecordingVerbs(ReferenceVerbs):
    """What monitors record; a base of `Monitoring`."""

    def labels(
        self, name: str, source: Path | str | Frame | list[Mapping[str, Any]]
    ) -> LabelReport:
        """Join labels to the answers by request id, and measure real performance again. source: a
        CSV, Parquet or JSON file, a frame, or a list of mappings, with `request_id`, `label`,
        `reward` or both, and perhaps `row`.
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
        trouble = None
        try:
            self._take_feedback(monitor)
        except Exception as error:  # noqa: BLE001 - what callers sent does not stop the rest
            trouble = error
        self._look_again(monitor)
        self._catch_up(monitor, HOURS_A_ROUND, wait=False)
        self._series.remove_before(monitor.name, self._first_hour())
        if trouble:
            raise trouble

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
        """Feedback with a truth is a label, and its reward one too if the KPI is of rewards. Each
        round takes what came since the last one; the newest seconds are left to the next, since
        processes write them a moment later.
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
        rewarded = REWARD in (self._plan(monitor).costs or {})
        told = (pl.col("truth_texts").list.len() > 0) | rewarded
        truths = found.filter(told & (pl.col("ts").dt.epoch("us") / 1e6 < until))
        taken = json.dumps({"until": until}).encode()
        try:
            if truths.height:
                rows = _labels_of(truths, rewarded=rewarded)
                read = replace(label_files.read_frame(rows), source="feedback")
                self._join(monitor, read, newest_first=True, wait=False)
        except (BadRequest, ValueError, pl.exceptions.PolarsError):
            write_atomic(noted, taken)  # in the next round it would fail again
            raise
        write_atomic(noted, taken)

    def _look_again(self, monitor: Monitor) -> None:
        """Join the labels that wait, if their requests are in the log now."""
        if not self._series.unjoined(monitor.name).counts().waiting:
            return
        with self._recording(monitor.name, wait=False):
            labels.join_waiting(
                self._series,
                self._deployments,
                monitor.name,
                self._plan(monitor),
                at=now().timestamp(),
            )

    def _recording(self, name: str, *, wait: bool = True) -> AbstractContextManager[int]:
        """Two processes do not write the hours of one monitor at once."""
        folder = self._project.folder("monitoring", "series", name)
        return file_lock(folder / "recording.lock", wait=wait, what=f"A recording of {name}")


def _labels_of(feedback: pl.DataFrame, *, rewarded: bool) -> pl.DataFrame:
    """Labels, one a row of the request, of several outputs one each by its place, and with the
    first row the reward, if it counts. More labels of a row than outputs are measured are none.
    """
    import polars as pl

    truth = pl.col("truth_rows")
    nothing = pl.lit([[None]], pl.List(pl.List(pl.String)))
    outputs = pl.col("outputs")
    count = outputs.list.len()
    several = pl.when(count.is_between(2, MOST_OUTPUTS)).then(outputs)
    why = pl.format("{} labels of one row; at most {} outputs are measured", count, MOST_OUTPUTS)
    labels = (
        feedback.select(
            "request_id",
            "reward",
            pl.when(truth.list.len() > 0).then(truth).otherwise(nothing).alias("outputs"),
        )
        .with_columns(pl.int_ranges(0, outputs.list.len()).alias("row"))
        .explode("row", "outputs")
        .select(
            "request_id",
            "row",
            pl.when(pl.col("row") == 0).then("reward").alias("reward"),
            pl.when(count <= 1).then(outputs.list.get(0, null_on_oob=True)).alias("label"),
            several.alias(label_files.LISTED),
            pl.when(count > MOST_OUTPUTS).then(why).alias(label_files.BROKEN),
        )
    )
    found = labels if rewarded else labels.drop("reward")
    told = pl.any_horizontal(pl.col("^(label|reward|.broken)$").is_not_null())
    listed = pl.col(label_files.LISTED).list.drop_nulls().list.len() > 0
    return found.filter(told | listed.fill_null(value=False))
