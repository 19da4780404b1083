"""Joins labels to the answers they belong to, and measures real performance hour by hour."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..hours.points import Point
from ..hours.segments import recorded_names, segments_of
from ..hours.series import HOUR, SeriesStore, frame_of, hour_of_file, readable, scan_points
from ..measures import performance
from .by_output import in_one_list, performance_by_output
from .classes import codes_of, kind_of
from .files import NAMED, REFUSED, Labels
from .matching import (
    Joined,
    labelled_rows,
    note_unanswered,
    noted,
    without_answer,
    without_row,
)
from .unjoined import LATE_SECONDS
from .worth import has_label, worths_of

if TYPE_CHECKING:
    import polars as pl

    from ..hours.recording import Log, Plan


STEP = 6 * HOUR
"""So many seconds of the log are joined at a time."""

INDEXED = 10_000
"""Up to so many request ids are looked up in the index of each file of the log first."""

_ANSWER = ("request_id", "row", "ts")
"""What an answered row is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReport:
    """What became of some labels. read: rows of the file; joined: answered rows that have a label
    or a reward from it; replaced: of those, how many had one before. unknown: request ids that are
    not in the payload log, of which the first are named; their labels wait, see `Unjoined`. bad:
    labels that were refused, such as those of a row that its request lacks, or of a request that
    was refused; bad_rows: the first reasons, each once. coverage: by version, the share of answered
    rows of the hours concerned that have a label now.
    """

    monitor: str
    read: int
    joined: int
    replaced: int
    unknown: int
    unknown_ids: Sequence[str]
    bad: int
    bad_rows: Sequence[str]
    coverage: Mapping[str, float]


def join(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    labels: Labels,
    *,
    at: float,
    newest_first: bool = False,
) -> LabelReport:
    """Keep labels with the answers that they belong to, and measure the hours concerned again. A
    few hours of the log are in memory at a time. Labels of unknown requests wait.

    at: when the labels came: of two labels of one row the later one wins. newest_first: look no
    further back than where each request id was found; else the whole log is read.
    """
    import polars as pl

    rows = labels.rows.with_columns(pl.lit(labels.source).alias("source"), pl.lit(at).alias("at"))
    found = _join_all(store, log, monitor, plan, rows, at, newest_first=newest_first)
    ids = labels.rows["request_id"].unique(maintain_order=True)
    known = pl.Series([*found.known, *found.unanswered], dtype=pl.String).implode()
    unknown = ids.filter(~ids.is_in(known))
    unjoined = store.unjoined(monitor)
    if found.unread:
        unjoined.note_looked_through(unjoined.looked_through(), found.unread)
    too_many = unjoined.wait(rows.filter(~pl.col("request_id").is_in(known)))
    own = labels.refused.with_columns(pl.lit(labels.source).alias("source"))
    refused = [own, *found.refused, noted(too_many)]
    bad = _refused(refused)
    unjoined.refuse(bad, at)
    return LabelReport(
        monitor=monitor,
        read=labels.read,
        joined=found.rows,
        replaced=found.replaced,
        unknown=len(unknown),
        unknown_ids=unknown.head(NAMED).to_list(),
        bad=bad.height,
        bad_rows=_reasons(bad),
        coverage=_measured(store, monitor, plan, sorted(found.hours)),
    )


def join_waiting(store: SeriesStore, log: Log, monitor: str, plan: Plan, *, at: float) -> None:
    """Join the labels that wait, if their requests are in the log now, each as of the time when it
    came. Only what arrived after shortly before they came can be new, and only files that have
    changed since the last look are read.
    """
    unjoined = store.unjoined(monitor)
    if not (rows := unjoined.waiting()).height:
        return
    since = (float(rows.select("at").min().item()) - LATE_SECONDS) // HOUR * HOUR
    logged = log.payloads_state(plan.deployment, since=datetime.fromtimestamp(since, UTC))
    read = unjoined.looked_through()
    found = _join_all(store, log, monitor, plan, rows, at, since=since, read=read)
    if found.refused:
        unjoined.refuse(_refused(found.refused), at)
    unjoined.stop_waiting({*found.known, *found.unanswered}, at)
    unjoined.note_looked_through(logged, found.unread)
    _measured(store, monitor, plan, sorted(found.hours))


def _join_all(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    labels: pl.DataFrame,
    at: float,
    *,
    newest_first: bool = False,
    since: float = 0.0,
    read: str = "",
) -> Joined:
    """Keep labels with the answers that they belong to. labels: with source and at; since: look no
    further back; read: leave out files that are as they were when `payloads_state` said this.
    """
    found, begun = Joined(), log.payloads_since(plan.deployment)
    labels = labels.with_row_index("order")
    ids = labels["request_id"].unique()
    if begun is None or not len(ids):
        return found
    indexed = ids.to_list() if len(ids) <= INDEXED else None
    spans = list(_spans(max(begun.timestamp(), since), at))
    for span in reversed(spans) if newest_first else spans:
        for hour, rows in sorted(_find(log, plan, labels, *span, indexed, read, found).items()):
            found.replaced += _keep(store, monitor, hour, rows)
            found.hours.add(hour)
        if newest_first and len(found.known) == len(ids):
            break
    found.refused += [without_row(labels, found), without_answer(labels, found)]
    return found


def _refused(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The labels that were refused, each once, in the order of their source."""
    import polars as pl

    both = pl.concat([frame.select("source", *REFUSED) for frame in frames], how="vertical_relaxed")
    key = ["source", "place"]
    return both.unique(key, keep="first", maintain_order=True).sort("place", maintain_order=True)


def _reasons(bad: pl.DataFrame) -> list[str]:
    """Why labels were refused: each reason once, with its first row and how many more there are."""
    import polars as pl

    each = bad.group_by("why", maintain_order=True).agg(pl.col("place").first(), pl.len())
    return [
        f"row {place}{f' and {count - 1:,} more' if count > 1 else ''}: {why}"
        for why, place, count in each.head(NAMED).iter_rows()
    ]


def _measured(
    store: SeriesStore, monitor: str, plan: Plan, hours: Sequence[int]
) -> Mapping[str, float]:
    """Measure hours again; returns the share of their answered rows that have a label, by
    version.
    """
    labelled, answered = dict[str, int](), dict[str, int]()
    for hour in hours:
        for point in measure_hour(store, monitor, plan, hour):
            if point.metric == "label_coverage" and "segment" not in point.labels:
                version = point.labels["version"]
                share = round((point.value or 0.0) * point.rows)
                labelled[version] = labelled.get(version, 0) + share
                answered[version] = answered.get(version, 0) + point.rows
    return {name: labelled[name] / rows for name, rows in answered.items() if rows}


def _spans(since: float, at: float) -> Iterator[tuple[int, int]]:
    """The time of the log in steps of whole hours, until an hour after `at`: no clock is exact."""
    start = int(since) // HOUR * HOUR
    while start < at + HOUR:
        yield start, start + STEP
        start += STEP


def _find(
    log: Log,
    plan: Plan,
    labels: pl.DataFrame,
    start: int,
    end: int,
    ids: Sequence[str] | None,
    read: str,
    joined: Joined,
) -> Mapping[int, Sequence[pl.DataFrame]]:
    """The answered rows of a span of time that the labels name, by hour. ids: of the requests, to
    look them up in the index of each file; None for too many. read: see `_join_all`.
    """
    import polars as pl

    found: dict[int, list[pl.DataFrame]] = {}
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (start, end))
    for part in log.payload_parts(plan.deployment, since=since, until=until, ids=ids, read=read):
        if part.problem:
            joined.unread.add(part.problem.partition(":")[0])
            continue
        note_unanswered(part.rows, labels["request_id"], joined)
        rows = part.rows.filter(pl.col("status") < 400)
        labelled = labelled_rows(rows, labels, plan, joined)
        if not labelled.height:
            continue
        joined.rows += labelled.select(pl.struct(_ANSWER).n_unique()).item()
        kept = _kept(labelled, plan)
        for (hour,), some in kept.partition_by("hour", as_dict=True, include_key=False).items():
            found.setdefault(int(hour), []).append(some)
    return found


def _kept(rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """What is kept of labelled rows: the answers, the label, and the segments."""
    import polars as pl

    from ..measures.answers import outputs_of

    found = []
    for (version,), some in sorted(
        rows.partition_by("version", as_dict=True).items(), key=lambda item: str(item[0])
    ):
        numbered = some.with_row_index(".place")
        segments: list[list[str]] = [[] for _ in range(some.height)]
        for name, part in segments_of(numbered, plan.segments, plan.reference(str(version))):
            for place in part[".place"] if name else ():
                segments[place].append(name)
        found.append(
            some.select(
                "request_id",
                "row",
                # A key: Polars divides one row and many with different last digits.
                (pl.col("ts").dt.epoch("us") * 1e-6).alias("ts"),
                "version",
                "label",
                "text",
                "labels",
                "reward",
                "at",
                (
                    pl.col("prediction")
                    if some["prediction"].dtype == pl.String
                    else pl.lit(None, pl.String)
                ).alias("answer"),
                pl.Series("outputs", outputs_of(some).tolist(), dtype=pl.List(pl.Float64)),
                pl.Series("segments", segments, dtype=pl.List(pl.String)),
                (pl.col("ts").dt.epoch("s") // HOUR * HOUR).alias("hour"),
            )
        )
    return pl.concat(found)


def _keep(store: SeriesStore, monitor: str, hour: int, frames: Sequence[pl.DataFrame]) -> int:
    """Add labels to those of an hour; returns how many rows had one before. What a later one does
    not say stays: a reward, the label, labels of other outputs.
    """
    import polars as pl

    path, new = store.path(monitor, "labels", hour), pl.concat(frames)
    old = pl.read_parquet(path) if path.exists() else new.clear()
    key = list(_ANSWER)
    replaced = old.join(new, on=key, how="semi").height
    # Hours of an earlier version have fewer columns.
    both = pl.concat([old, new], how="diagonal").sort("at", maintain_order=True)
    told = pl.any_horizontal(pl.col("label", "text").is_not_null())
    outputs = int(both.select(pl.col("labels").list.len().max()).item() or 0)
    labels = [pl.col("labels").list.get(place, null_on_oob=True) for place in range(outputs)]
    both = both.with_columns(
        pl.when(told).then(pl.struct("label", "text")).forward_fill().over(key).struct.unnest(),
        pl.col("reward").forward_fill().over(key),
        in_one_list([label.forward_fill().over(key) for label in labels]).alias("labels")
        if labels
        else "labels",
    )
    store.write(
        monitor, "labels", hour, both.unique(key, keep="last").sort("ts", "request_id", "row")
    )
    return replaced


def measure_hour(store: SeriesStore, monitor: str, plan: Plan, hour: int) -> list[Point]:
    """Measure the real performance of an hour that was sketched, and write it; nothing for another
    hour, which will be measured when it is recorded.
    """
    import polars as pl

    if not store.path(monitor, "sketches", hour).exists():
        return []
    path = store.path(monitor, "labels", hour)
    labels = _whole(pl.scan_parquet(path)).collect() if path.exists() else None
    points: list[Point] = []
    for version, segment, answered in _answered(store, monitor, hour):
        labelled = None
        if labels is not None:
            labelled = labels.filter(pl.col("version") == version)
            if segment:
                labelled = labelled.filter(_is_in(segment, plan, version))
        tags = {"version": version} | ({"segment": segment} if segment else {})
        ends = {"start": hour, "end": hour + HOUR}
        for metric, value, rows in _figures(labelled, answered, plan, version):
            points.append(Point(metric=metric, labels=tags, value=value, rows=rows, **ends))
        if labelled is None:
            continue
        for output, one in performance_by_output(labelled, plan, version).items():
            of_output = {**tags, "feature": output}
            points += [
                Point(
                    metric=f"performance_output.{name}",
                    labels=of_output,
                    value=value,
                    rows=one.rows,
                    **ends,
                )
                for name, value in one.metrics.items()
            ]
    store.write(monitor, "performance", hour, frame_of(points, plan.costs))
    return points


def outdated_hours(store: SeriesStore, monitor: str, plan: Plan) -> list[int]:
    """The hours whose KPI was computed with other worths of the outcomes than the present ones, and
    whose labels are still there, oldest first.
    """
    import polars as pl

    labels = {hour_of_file(path) for path in store.files(monitor, "labels")}
    files = readable(
        [file for file in store.files(monitor, "performance") if hour_of_file(file) in labels]
    )
    if not plan.costs or not files:
        return []
    other = pl.col("costs").fill_null("") != json.dumps(plan.costs, sort_keys=True)
    found = scan_points(files).filter(other).select("start").unique().collect()
    return sorted(int(start) for start in found["start"])


def _answered(store: SeriesStore, monitor: str, hour: int) -> list[tuple[str, str, int]]:
    """Version, segment and answered rows of an hour."""
    import polars as pl

    rows = (
        pl.scan_parquet(store.path(monitor, "sketches", hour))
        .filter(pl.col("column") == ".score")
        .select("version", "segment", "rows")
        .collect()
    )
    return list(rows.iter_rows())


def _figures(
    kept: pl.DataFrame | None, answered: int, plan: Plan, version: str
) -> list[tuple[str, float | None, int]]:
    labelled = None if kept is None else kept.filter(has_label())
    count = labelled.height if labelled is not None else 0
    found: list[tuple[str, float | None, int]] = [
        ("label_coverage", count / answered if answered else None, answered)
    ]
    if labelled is not None and count:
        reference = plan.reference(version)
        classes = reference.classes if reference else ()
        outputs, labels, names = codes_of(labelled, classes, plan.answers)
        kind = kind_of(labelled, plan.answers)
        real = performance.metrics(outputs, labels, kind, named=bool(names))
        found += [(f"performance_real.{name}", value, len(labels)) for name, value in real.items()]
    if kept is not None and kept.height and plan.costs:
        worth = worths_of(kept, plan, version)
        if not isinstance(worth, str):
            found.append(("kpi", float(worth.amounts.mean()), len(worth.amounts)))
    return found


def known_rows(
    store: SeriesStore, monitors: Sequence[str], *, start: float, end: float
) -> pl.DataFrame:
    """The labelled rows of a window in any of these monitors, each once, without their segments."""
    import polars as pl

    names = ("request_id", "row", "ts", "version", "label", "text", "outputs")
    files = [file for name in monitors for file in store.files(name, "labels", start, end)]
    if not files:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    wanted = pl.col("ts").is_between(start, end, closed="left")
    found = pl.concat([_whole(pl.scan_parquet(file)) for file in files], how="diagonal")
    rows = found.filter(wanted & has_label()).select(*names).collect()
    return rows.unique(list(_ANSWER), keep="last")


def kept_rows(
    store: SeriesStore,
    monitor: str,
    *,
    version: str,
    segment: str,
    start: float,
    end: float,
    plan: Plan | None = None,
) -> pl.DataFrame:
    """The rows of a window that have a label or a reward, in order of time: as they are kept, see
    `_kept`. plan: with it, segments are found by their names in earlier versions, too.
    """
    import polars as pl

    files = store.files(monitor, "labels", start, end)
    if not files:
        return pl.DataFrame(
            schema={
                "ts": pl.Float64,
                "outputs": pl.List(pl.Float64),
                "label": pl.Float64,
                "text": pl.String,
                "labels": pl.List(pl.Float64),
                "reward": pl.Float64,
            }
        )
    wanted = (pl.col("version") == version) & pl.col("ts").is_between(start, end, closed="left")
    if segment:
        wanted &= _is_in(segment, plan, version)
    frames = [_whole(pl.scan_parquet(file)).filter(wanted) for file in files]
    return pl.concat(frames, how="diagonal").collect().sort("ts", "request_id", "row")


def _is_in(segment: str, plan: Plan | None, version: str) -> pl.Expr:
    """Whether a kept row is in a segment."""
    import polars as pl

    names = recorded_names(segment, plan.reference(version) if plan else None)
    return pl.any_horizontal(pl.col("segments").list.contains(name) for name in names)


def _whole(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Kept rows with the columns that those of an earlier version lack."""
    import polars as pl

    later = pl.LazyFrame(
        schema={"text": pl.String, "labels": pl.List(pl.Float64), "reward": pl.Float64}
    )
    return pl.concat([rows, later], how="diagonal")
