"""Turns the payload log into sketches and points, one closed hour after the other.

An hour's result depends only on the rows that arrived in it, the references and the segments. So a
monitor that was down for days, or was killed at any moment, later writes what it would have
written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from ...deployments import BASE_COLUMNS, is_output
from ..labels.joining import measure_hour
from ..measures import quantiles
from ..measures.answers import output_columns, predicted_classes
from ..measures.parts import measured
from .expected import expected
from .hourly import OUTPUT, points_of
from .segments import are_renamed, segments_of
from .series import HOUR, Key, Recorded, SeriesStore, frame_of, frame_of_sketches
from .sketches import POINTS, SEGMENT_POINTS, Gathered, Sketch, sketch
from .vitals import Used, points_of_processes, used_by_version

if TYPE_CHECKING:
    import polars as pl

    from ...deployments import Part, Vitals
    from ..measures.drift import ColumnReference
    from ..references.profiles import Reference

CLOSED_AFTER = 120
"""Seconds after its end at which an hour is recorded: until then rows may still be written."""

CHUNK = 500_000
"""Rows that are sketched at once."""

REQUESTS, SCORE, EXPECTED = ".requests", ".score", ".expected"
"""Columns of sketches that are no inputs: latency in ms with counts of answered, refused and failed
requests and the sum of repeated ones; the answers; what performance can be expected.
"""

CLASS = ".class"
"""Of several answers the class with the largest probability; each of them is `OUTPUT` and its name.
"""


class Log(Protocol):
    """The payload logs of a project, and what its serving processes used."""

    def payload_parts(
        self,
        name: str,
        *,
        since: datetime,
        until: datetime,
        ids: Sequence[str] | None = None,
        read: str = "",
    ) -> Iterator[Part]: ...
    def payloads_state(self, name: str, *, since: datetime) -> str: ...
    def payload_hours(self, name: str, *, since: float, until: float) -> Sequence[int]: ...
    def payloads_since(self, name: str) -> datetime | None: ...
    def vitals(self, name: str, *, since: datetime, until: datetime) -> Iterable[Vitals]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is recorded of a deployment. reference: of a version, as `v3`; None if it has none.
    digest: of that reference, else empty. answers: classes, probabilities or values.
    costs: what each outcome is worth, see `kpi`.
    """

    deployment: str
    segments: Sequence[str]
    answers: str
    costs: Mapping[str, float] | None = None
    reference: Callable[[str], Reference | None]
    digest: Callable[[str], str]

    def basis(self, versions: Sequence[str]) -> str:
        """What the result of an hour with these versions depends on, beside its rows."""
        parts = {version: self.digest(version) for version in sorted(versions)}
        renamed = any(are_renamed(self.segments, self.reference(version)) for version in versions)
        whole = [*self.segments, self.answers, *(["names"] if renamed else [])]
        return json.dumps({**parts, ".": whole}) if parts else "{}"


@dataclass(slots=True)
class Gathering:
    """The sketches of a span of time. first, last: when its rows arrived, None without any.
    problems: files of the log that could not be read.
    """

    sketches: Mapping[Key, Sketch] = field(default_factory=dict)
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def versions(self) -> list[str]:
        return sorted({version for version, _, _ in self.sketches})


def gather(log: Log, plan: Plan, since: float, until: float) -> Gathering:
    """Sketch the rows that arrived in a span of time, a chunk at a time."""
    found, kept = Gathered[Key](), Gathering()
    waiting: dict[str, list[pl.DataFrame]] = {}
    held = 0
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (since, until))
    for part in log.payload_parts(plan.deployment, since=start, until=end):
        if part.problem:
            kept.problems.append(part.problem)
        for version, count in part.repeated.items():
            found.add((version, "", REQUESTS), _repeated(count))
        for (version,), rows in sorted(
            part.rows.partition_by("version", as_dict=True).items(), key=lambda item: str(item[0])
        ):
            waiting.setdefault(str(version), []).append(rows)
        held += part.rows.height
        _note(kept, part.rows)
        if held >= CHUNK:
            _flush(waiting, plan, found)
            held = 0
    _flush(waiting, plan, found)
    kept.sketches = found.all()
    return kept


def _note(kept: Gathering, rows: pl.DataFrame) -> None:
    """Count rows, and note when they arrived."""
    if rows.height:
        first, last = rows["ts"].min(), rows["ts"].max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        kept.first, kept.last = min(kept.first or first, first), max(kept.last or last, last)
    kept.rows += rows.height


def _flush(waiting: dict[str, list[pl.DataFrame]], plan: Plan, found: Gathered[Key]) -> None:
    import polars as pl

    for version in sorted(waiting):
        frames = waiting.pop(version)
        rows = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
        for (segment, column), item in sketches_of_rows(rows, plan, version):
            found.add((version, segment, column), item)


def sketches_of_rows(
    rows: pl.DataFrame, plan: Plan, version: str
) -> Iterator[tuple[tuple[str, str], Sketch]]:
    """The sketches of some rows of one version, by segment and column."""
    import polars as pl

    reference = plan.reference(version)
    yield ("", REQUESTS), _service(rows)
    answered = rows.filter(pl.col("status") < 400)
    if not answered.height:
        return
    for segment, part in segments_of(answered, plan.segments, reference):
        points = SEGMENT_POINTS if segment else POINTS
        for column, item in _columns(part, reference, points):
            yield (segment, column), item
        performance = expected(part, reference, plan.answers, points=4 * points)
        if performance is not None:
            yield (segment, EXPECTED), performance


def _columns(
    rows: pl.DataFrame, reference: Reference | None, points: int
) -> Iterator[tuple[str, Sketch]]:
    """The sketches of the answers and of each input: of those that the reference has, and without
    one of all that are in the log.
    """
    score = reference.score if reference else None
    yield SCORE, sketch(rows["prediction"], score, points=4 * points)
    yield from _outputs(rows, reference, points)
    if reference:
        for column in reference.columns:
            yield column.name, sketch(input_of(rows, column), column, points=points)
        return
    for name in rows.columns:
        if name not in BASE_COLUMNS and not is_output(name):
            yield name.removeprefix("input."), sketch(rows[name], None, points=points)


def _outputs(
    rows: pl.DataFrame, reference: Reference | None, points: int
) -> Iterator[tuple[str, Sketch]]:
    """Each of several answers, and the class that they are for."""
    there = output_columns(rows)
    known = {column.source: column for column in reference.outputs} if reference else {}
    for place, name in enumerate(there):
        profile = known.get(name)
        called = profile.name if profile else str(place)
        yield f"{OUTPUT}{called}", sketch(rows[name], profile, points=points)
    if reference and reference.predicted and len(there) == len(reference.outputs):
        classes = predicted_classes(rows, [column.name for column in reference.outputs])
        yield CLASS, sketch(classes, reference.predicted, points=points)


def input_of(rows: pl.DataFrame, column: ColumnReference) -> pl.Series:
    """What is compared of an input. One that no longer arrives is missing in every row: that is
    drift, and must be noticed.
    """
    import polars as pl

    name = column.source or column.name
    for there in (f"input.{name}", name):
        if there in rows.columns and there not in BASE_COLUMNS and not is_output(there):
            return measured(rows[there], column.measure) if column.measure else rows[there]
    return pl.Series(name, [None] * rows.height, dtype=pl.Float64)


def newest_rows(
    log: Log, plan: Plan, version: str, start: float, end: float, *, most: int
) -> pl.DataFrame:
    """Answered rows of a version in a span of time: of the newest hours, at most `most`."""
    import polars as pl

    frames, rows = list[pl.DataFrame](), 0
    for hour in reversed(log.payload_hours(plan.deployment, since=start, until=end)):
        if rows >= most:
            break
        ends = max(hour, start), min(hour + HOUR, end)
        moments = [datetime.fromtimestamp(moment, UTC) for moment in ends]
        for part in log.payload_parts(plan.deployment, since=moments[0], until=moments[1]):
            some = part.rows.filter((pl.col("version") == version) & (pl.col("status") < 400))
            frames.append(some)
            rows += some.height
    return pl.concat(frames, how="diagonal_relaxed").head(most) if frames else pl.DataFrame()


def used_in(log: Log, deployment: str, since: float, until: float) -> Mapping[str, Used]:
    """What the processes of each version used in a span of time, in seconds since 1970."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (since, until))
    return used_by_version(log.vitals(deployment, since=start, until=end))


def _service(rows: pl.DataFrame) -> Sketch:
    """Latency and the fate of the requests."""
    requests = rows.filter(rows["row"] == 0)
    status = requests["status"]
    counts = (
        int((status < 400).sum()),
        int(status.is_between(400, 499).sum()),
        int((status >= 500).sum()),
    )
    return replace(sketch(requests["latency_ms"], None), counts=counts, sums=(0.0,))


def _repeated(count: int) -> Sketch:
    return replace(_empty(0), counts=(0, 0, 0), sums=(float(count),))


def _empty(rows: int) -> Sketch:
    return Sketch(rows=rows, missing=0, quantiles=quantiles.nothing())


class Recorder:
    """Records the hours of monitors."""

    def __init__(self, store: SeriesStore, log: Log) -> None:
        self._store, self._log = store, log

    def missing(
        self, monitor: str, plan: Plan, *, now: float, since: float = 0.0, again: bool = False
    ) -> list[int]:
        """The closed hours of the log that are not recorded, or were recorded with another
        reference or other segments, oldest first. since: older ones are left out; figures are not
        kept for longer, and a clock that was wrong once must not cost all of time. again: all of
        them.
        """
        oldest = self._log.payloads_since(plan.deployment)
        if oldest is None:
            return []
        done = self._store.recorded(monitor)
        # Recorded by a clock that was set back since: its rows still come.
        early = [hour for hour in done if hour + HOUR + CLOSED_AFTER > now]
        self._store.forget(monitor, early)
        first = -(-int(max(oldest.timestamp() // HOUR * HOUR, since)) // HOUR) * HOUR
        return [
            hour
            for hour in range(first, int(now) - CLOSED_AFTER - HOUR + 1, HOUR)
            if again or hour not in done or not is_current(done[hour], plan)
        ]

    def record(self, monitor: str, plan: Plan, hour: int) -> Recorded:
        """Record one hour; again, it gives the same files.

        An hour of which the log has lost rows since, because they were too old, stays as it is; it
        is noted with the present plan, so that it is not looked at again.
        """
        found = gather(self._log, plan, hour, hour + HOUR)
        before = self._store.recorded(monitor).get(hour)
        if before is not None and before.rows > found.rows:
            versions = [name for name in json.loads(before.basis) if name != "."]
            kept = replace(before, basis=plan.basis(versions))
            self._store.note(monitor, kept)
            return kept
        points = points_of(found.sketches, plan, start=hour, end=hour + HOUR)
        used = used_in(self._log, plan.deployment, hour, hour + HOUR)
        points += points_of_processes(used, start=hour, end=hour + HOUR)
        self._store.write(monitor, "sketches", hour, frame_of_sketches(found.sketches))
        self._store.write(monitor, "points", hour, frame_of(points))
        measure_hour(self._store, monitor, plan, hour)
        recorded = Recorded(
            hour=hour,
            basis=plan.basis(found.versions),
            rows=found.rows,
            broken=len(found.problems),
        )
        self._store.note(monitor, recorded)
        return recorded


def is_current(done: Recorded, plan: Plan) -> bool:
    """Whether an hour was recorded with the references and segments of the plan."""
    versions = [name for name in json.loads(done.basis) if name != "."]
    return plan.basis(versions) == done.basis
