"""Drift by feature and time: the cells of a heat map, and the distribution behind one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from ..figures import HeatMap, HeatRow
from ..masking import column_of
from ..references.profiles import SCORE as ANSWERS
from ..spec import FeatureDrift
from . import hourly
from .recording import CLASS, SCORE, gather, is_current
from .series import HOUR, SeriesStore, readable, series

if TYPE_CHECKING:
    from ..measures.drift import ColumnReference
    from ..references.profiles import Reference
    from .points import Point
    from .recording import Log, Plan
    from .sketches import Sketch

COLUMNS = 48
"""A map has at most so many columns; over a longer time each is the worst of several hours."""

LEAST_ROWS = 50
"""An hour of fewer rows has no value in a map: ten bins need about five rows each (Cochran 1954),
or chance alone looks like drift, and puts a feature first.
"""

LIVE_HOURS = 3
"""So many of the newest hours are computed from the log while they are not recorded."""


def heat_map(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    *,
    metric: str,
    version: str,
    segment: str,
    start: float,
    end: float,
    importance: Mapping[str, float] | None,
    words: str,
    limit: int,
    versions: Sequence[str],
) -> HeatMap:
    """The features whose name has `words`, those that moved most in what the model uses first."""
    first = int(start) // HOUR * HOUR
    step = max(1, ceil((end - first) / (COLUMNS * HOUR))) * HOUR
    starts = range(first, ceil(end), step)
    cells: dict[str, list[float | None]] = {}
    rows: dict[str, list[int]] = {}
    labels = {"version": version} | ({"segment": segment} if segment else {})
    live = _live(store, log, monitor, plan, metric, labels, first, end)
    recorded = [
        point
        for point in series(store, monitor, metric, since=first, until=end, labels=labels)
        if point.start not in live
    ]
    for point in [*recorded, *(point for points in live.values() for point in points)]:
        feature = point.labels.get("feature")
        if feature is None:
            continue
        place = (int(point.start) - first) // step
        values = cells.setdefault(feature, [None] * len(starts))
        rows.setdefault(feature, [0] * len(starts))[place] += point.rows
        if point.value is not None and point.rows >= LEAST_ROWS:
            values[place] = max(point.value, values[place] or 0.0)
    gains = importance or {}
    found = [
        HeatRow(
            feature=feature,
            importance=None if importance is None else gains.get(feature, 0.0),
            values=values,
            rows=rows[feature],
        )
        for feature, values in cells.items()
        if words.lower() in feature.lower()
    ]
    found.sort(key=_suspicion)
    return HeatMap(
        metric=metric,
        version=version,
        segment=segment,
        starts=[datetime.fromtimestamp(at, UTC) for at in starts],
        step_seconds=float(step),
        rows=found[:limit],
        shown=min(limit, len(found)),
        total=len(found),
        versions=versions,
        segments=[
            name
            for name in segments_in(store, monitor, version, since=first, until=end)
            if column_of(name) in plan.segments
        ],
    )


def _suspicion(row: HeatRow) -> tuple[float, float, str]:
    """The most suspect first; of those that the model does not use, the one that moved most."""
    worst = max((value for value in row.values if value is not None), default=0.0)
    share = 1.0 if row.importance is None else row.importance
    return -worst * share, -worst, row.feature


def _live(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    metric: str,
    labels: Mapping[str, str],
    first: int,
    end: float,
) -> Mapping[float, Sequence[Point]]:
    """The points of the newest hours that are not recorded yet, or not as they would be now."""
    recorded = store.recorded(monitor)
    newest = (ceil(end) - 1) // HOUR * HOUR
    found: dict[float, Sequence[Point]] = {}
    for hour in range(max(first, newest - (LIVE_HOURS - 1) * HOUR), newest + HOUR, HOUR):
        if hour in recorded and is_current(recorded[hour], plan):
            continue
        until = min(hour + HOUR, end)
        sketches = {
            key: item
            for key, item in gather(log, plan, hour, until).sketches.items()
            if key[:2] == (labels["version"], labels.get("segment", "")) and key[2][0] != "."
        }
        points = hourly.points_of(sketches, plan, start=hour, end=until)
        found[hour] = [point for point in points if point.metric == metric]
    return found


def segments_in(
    store: SeriesStore, monitor: str, version: str, *, since: float, until: float
) -> Sequence[str]:
    """The segments that were recorded of a version in a span of time, by name."""
    import polars as pl

    files = readable(store.files(monitor, "points", since, until))
    if not files or not store.asked(monitor)[0]:
        return ()
    wanted = (pl.col("version") == version) & (pl.col("segment") != "")
    names = pl.scan_parquet(files).filter(wanted).select("segment").unique().collect()
    return sorted(names["segment"].to_list())


def distribution(
    feature: str,
    reference: Reference | None,
    sketches: Mapping[str, Sketch],
    *,
    version: str,
    threshold: float,
) -> FeatureDrift:
    """One feature, or the answers (`prediction`, of several also `prediction.output.NAME` and
    `prediction.class`), of a window over the bins of the reference.

    Raises NotFound without a reference, or if it does not have that feature.
    """
    columns = {column.name: column for column in reference.columns} if reference else {}
    sketched = {name: name for name in columns}
    if reference:
        for name, column in _answers(reference):
            columns[f"{ANSWERS}{name.removeprefix(SCORE)}"] = column
            sketched[f"{ANSWERS}{name.removeprefix(SCORE)}"] = name
    if feature not in columns:
        raise NotFound(
            f"The reference of {version} has no {feature}.",
            "Distributions are over the bins of the reference."
            if reference
            else f"{version} has no reference.",
            "mlinfra monitors reference NAME makes it from the training data.",
        )
    found = sketches.get(sketched[feature])
    return hourly.compare_sketch(columns[feature], found, threshold=threshold)


def is_answer(feature: str) -> bool:
    """Whether a distribution of that name is one of answers."""
    return feature == ANSWERS or feature.startswith(f"{ANSWERS}.")


def _answers(reference: Reference) -> Iterator[tuple[str, ColumnReference]]:
    """What a reference has of the answers, by the name of its sketch."""
    answers = {SCORE: reference.score, CLASS: reference.predicted}
    yield from ((name, column) for name, column in answers.items() if column)
    yield from ((f"{hourly.OUTPUT}{column.name}", column) for column in reference.outputs)
