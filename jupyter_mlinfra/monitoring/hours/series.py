"""What monitors have measured, hour by hour: the sketches, and the points computed from them.

    monitoring/series/<monitor>/sketches/2026-11-24T11.parquet      one row per version, segment and
                                                                    column
                                points/2026-11-24T11.parquet        what the hour's rows show
                                performance/2026-11-24T11.parquet   what the labels of its rows show
                                labels/2026-11-24T11.parquet        those labels, with the answers

A file is written whole, and writing an hour again gives the same bytes. `state.db` notes which
hours are recorded, after their files are on disk.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...core.files import explain_os_error, write_atomic
from ..labels.unjoined import Unjoined
from ..measures.quantiles import Quantiles
from .points import Point
from .sketches import Sketch

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project

HOUR = 3600
_MAGIC = b"PAR1"

Part = Literal["sketches", "points", "performance", "labels"]
Key = tuple[str, str, str]
"""Version, segment (empty: all rows), column. Names of columns that are no input begin with a
dot.
"""

_PARTS: tuple[Part, ...] = ("sketches", "points", "performance", "labels")

METRICS = (
    *("psi", "ks", "wasserstein", "js", "hellinger", "chi2", "missing", "out_of_range", "unseen"),
    *("error_fraction", "refused_fraction", "p95_ms", "requests"),
    *("score_psi", "output_psi", "class_psi"),
    *("memory_mib", "cpu_cores", "in_flight", "retries", "gpu_memory_mib", "gpu_load"),
    *("performance_real.", "performance_output.", "performance_estimated."),
    *("label_coverage", "kpi"),
)
"""Metrics of points; those with a dot at the end have a name after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One hour that is recorded. basis: digest of the references and segments that it was recorded
    with. broken: files of the log that could not be read.
    """

    hour: int
    basis: str
    rows: int
    broken: int


class SeriesStore:
    """The files of all monitors of a project, and the notes about them in `state.db`."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def asked(self, monitor: str) -> tuple[tuple[str, ...], Mapping[str, float] | None]:
        """What a monitor is to record beside the whole: the columns of its segments, and what each
        outcome is worth.
        """
        with self._project.database.read() as connection:
            row = connection.execute(
                "SELECT segments, costs FROM monitor WHERE name = ?", (monitor,)
            ).fetchone()
        if row is None:
            return (), None
        return tuple(json.loads(row["segments"])), json.loads(row["costs"] or "null")

    def ask(
        self,
        monitor: str,
        *,
        segments: Sequence[str] | None,
        costs: Mapping[str, float] | None,
    ) -> None:
        """Change what a monitor is to record; None leaves it as it is."""
        with self._project.database.write() as connection:
            if segments is not None:
                connection.execute(
                    "UPDATE monitor SET segments = ? WHERE name = ?",
                    (json.dumps(list(segments)), monitor),
                )
            if costs is not None:
                connection.execute(
                    "UPDATE monitor SET costs = ? WHERE name = ?", (json.dumps(costs), monitor)
                )

    def path(self, monitor: str, part: Part, hour: int) -> Path:
        """The file of an hour, which may not exist. hour: its start, in seconds since 1970."""
        name = datetime.fromtimestamp(hour, UTC).strftime("%Y-%m-%dT%H")
        return self.folder(monitor, part) / f"{name}.parquet"

    def write(self, monitor: str, part: Part, hour: int, rows: pl.DataFrame) -> None:
        """Write an hour's file; an older one is replaced. Raises Unavailable on a full disk."""
        memory = io.BytesIO()
        rows.write_parquet(memory, compression="zstd")
        path = self.path(monitor, part, hour)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, memory.getvalue())
        except OSError as error:
            raise explain_os_error(error, f"{path.name} of {monitor} was not written.") from error

    def files(
        self, monitor: str, part: Part, since: float | None = None, until: float | None = None
    ) -> list[Path]:
        """The files of the hours that overlap with a span, in order of time."""
        found = []
        for path in sorted(self.folder(monitor, part).glob("*.parquet")):
            start = hour_of_file(path)
            if (since is None or start + HOUR > since) and (until is None or start < until):
                found.append(path)
        return found

    def recorded(self, monitor: str) -> dict[int, Recorded]:
        """The recorded hours, by their start."""
        with self._project.database.read() as connection:
            rows = connection.execute(
                "SELECT hour, basis, rows, broken FROM monitor_hour WHERE monitor = ?", (monitor,)
            ).fetchall()
        return {row["hour"]: Recorded(**dict(row)) for row in rows}

    def note(self, monitor: str, recorded: Recorded) -> None:
        """Note that the files of an hour are on disk."""
        with self._project.database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO monitor_hour (monitor, hour, basis, rows, broken)"
                " VALUES (?, ?, ?, ?, ?)",
                (monitor, recorded.hour, recorded.basis, recorded.rows, recorded.broken),
            )

    def forget(self, monitor: str, hours: Sequence[int]) -> None:
        """Note that hours are not recorded; their files stay until they are written again."""
        if hours:
            with self._project.database.write() as connection:
                connection.executemany(
                    "DELETE FROM monitor_hour WHERE monitor = ? AND hour = ?",
                    [(monitor, hour) for hour in hours],
                )

    def remove_before(self, monitor: str, hour: int) -> None:
        """Forget the hours before this one."""
        for part in _PARTS:
            for path in self.files(monitor, part, until=hour):
                path.unlink(missing_ok=True)
        with self._project.database.write() as connection:
            connection.execute(
                "DELETE FROM monitor_hour WHERE monitor = ? AND hour < ?", (monitor, hour)
            )

    def unjoined(self, monitor: str) -> Unjoined:
        """The labels of a monitor that were not joined."""
        return Unjoined(self._project, monitor)

    def folder(self, monitor: str, part: Part | None = None) -> Path:
        """Where the files of a monitor are, or those of one part."""
        found = self._project.folder("monitoring", "series", monitor)
        return found / part if part else found


def series(
    store: SeriesStore,
    monitor: str,
    metric: str,
    *,
    since: float,
    until: float,
    labels: Mapping[str, str],
) -> list[Point]:
    """The points of one metric whose window begins from `since` until before `until`, in order of
    time. A file that cannot be read is left out, so its hour has no value.

    labels: those that a point must have; without `segment`, only points of all rows are found. If
    they name a version, an hour that has no point is one without a value: it has no request of that
    version, or is not recorded yet.
    """
    import polars as pl

    asked = {"segment": "", **labels}
    parts: tuple[Part, ...] = ("points", "performance")
    files = [path for part in parts for path in store.files(monitor, part, since, until)]
    found: list[Point] = []
    if files := readable(files):
        wanted = pl.col("metric") == metric
        wanted &= pl.col("start").is_between(since, until, closed="left")
        for name, value in asked.items():
            wanted &= pl.col(name) == value
        rows = _rows(files, wanted)
        found = [_point(row) for row in rows.sort("start", "feature").iter_rows(named=True)]
    if "version" in asked:
        there = {point.start for point in found}
        missing = range(-(-int(since) // HOUR) * HOUR, int(until), HOUR)
        found += [
            Point(
                metric=metric, labels=dict(labels), start=hour, end=hour + HOUR, value=None, rows=0
            )
            for hour in missing
            if hour not in there
        ]
        found.sort(key=lambda point: point.start)
    return found


def newest(store: SeriesStore, monitor: str, *, since: float, until: float) -> list[Point]:
    """The newest point of each metric and labels that has a value and whose window ends from
    `since` until `until`, in order of metric and labels.
    """
    import polars as pl

    parts: tuple[Part, ...] = ("points", "performance")
    files = readable([path for part in parts for path in store.files(monitor, part, since, until)])
    if not files:
        return []
    key = ["metric", "version", "feature", "segment"]
    wanted = pl.col("value").is_not_null() & pl.col("end").is_between(since, until)
    rows = _rows(files, wanted).sort("end").group_by(key).last()
    return [_point(row) for row in rows.sort(key).iter_rows(named=True)]


def points_between(store: SeriesStore, monitor: str, since: float, until: float) -> list[Point]:
    """All points of a span of time that have a value, in order of time."""
    import polars as pl

    parts: tuple[Part, ...] = ("points", "performance")
    files = readable([path for part in parts for path in store.files(monitor, part, since, until)])
    if not files:
        return []
    rows = _rows(files, pl.col("value").is_not_null()).sort("start", "metric", "feature")
    return [_point(row) for row in rows.iter_rows(named=True)]


def _rows(files: Sequence[Path], wanted: pl.Expr) -> pl.DataFrame:
    """The rows of these files. One that is broken inside is left out, and hides no other."""
    import polars as pl

    try:
        return scan_points(files).filter(wanted).collect()
    except (OSError, pl.exceptions.PolarsError):
        found = [frame_of(())]
        for file in files:
            with contextlib.suppress(OSError, pl.exceptions.PolarsError):
                found.append(scan_points([file]).filter(wanted).collect())
        return pl.concat(found)


def readable(files: Sequence[Path]) -> list[Path]:
    """Those that are whole: a Parquet file begins and ends with the same four bytes."""
    found = []
    for path in files:
        with contextlib.suppress(OSError), path.open("rb") as file:
            begin = file.read(len(_MAGIC))
            file.seek(-len(_MAGIC), io.SEEK_END)
            if begin == file.read() == _MAGIC:
                found.append(path)
    return found


def frame_of(points: Iterable[Point], costs: Mapping[str, float] | None = None) -> pl.DataFrame:
    """Points as the rows of a file. costs: what each outcome was worth for them, as JSON in a
    column of that name.
    """
    import polars as pl

    worth = json.dumps(costs, sort_keys=True) if costs else ""

    return pl.DataFrame(
        [
            {
                "metric": point.metric,
                "version": point.labels["version"],
                "feature": point.labels.get("feature", ""),
                "segment": point.labels.get("segment", ""),
                "start": point.start,
                "end": point.end,
                "value": point.value,
                "rows": point.rows,
                "costs": worth,
                "error": point.error,
            }
            for point in points
        ],
        schema={
            "metric": pl.String,
            "version": pl.String,
            "feature": pl.String,
            "segment": pl.String,
            "start": pl.Float64,
            "end": pl.Float64,
            "value": pl.Float64,
            "rows": pl.Int64,
            "costs": pl.String,
            "error": pl.Float64,
        },
    )


def scan_points(files: Sequence[Path]) -> pl.LazyFrame:
    """The points of some files. Those of an earlier version have no costs, and no bound of the
    error.
    """
    import polars as pl

    return pl.scan_parquet(list(files), schema=frame_of(()).schema, missing_columns="insert")


def frame_of_sketches(sketches: Mapping[Key, Sketch]) -> pl.DataFrame:
    """Sketches as the rows of a file, in order of their keys."""
    import polars as pl

    return pl.DataFrame(
        [
            {
                "version": version,
                "segment": segment,
                "column": column,
                **{name: getattr(found, name) for name in _PLAIN},
                "counts": list(found.counts),
                "values": found.quantiles.values.tolist(),
                "weights": found.quantiles.weights.tolist(),
                "error": found.quantiles.error,
                "sums": list(found.sums),
            }
            for (version, segment, column), found in sorted(sketches.items())
        ],
        schema={
            "version": pl.String,
            "segment": pl.String,
            "column": pl.String,
            "rows": pl.Int64,
            "missing": pl.Int64,
            "unseen": pl.Int64,
            "outside": pl.Int64,
            "numbers": pl.Int64,
            "mean": pl.Float64,
            "squares": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "points": pl.Int64,
            "counts": pl.List(pl.Int64),
            "values": pl.List(pl.Float64),
            "weights": pl.List(pl.Int64),
            "error": pl.Int64,
            "sums": pl.List(pl.Float64),
        },
    )


def sketches_of(
    path: Path, *, version: str | None, segment: str
) -> Iterator[tuple[tuple[str, str], Sketch]]:
    """The sketches of a file by version and column, of one segment. version: None for all."""
    import numpy as np
    import polars as pl

    wanted = pl.col("segment") == segment
    if version is not None:
        wanted &= pl.col("version") == version
    for row in pl.scan_parquet(path).filter(wanted).collect().iter_rows(named=True):
        quantiles = Quantiles(
            np.asarray(row["values"], np.float64),
            np.asarray(row["weights"], np.int64),
            row["error"],
        )
        yield (
            (row["version"], row["column"]),
            Sketch(
                **{name: row[name] for name in _PLAIN},
                counts=tuple(row["counts"]),
                sums=tuple(row["sums"]),
                quantiles=quantiles,
            ),
        )


def hour_of_file(path: Path) -> int:
    """The start of the hour of a file, in seconds since 1970."""
    return int(datetime.strptime(path.stem, "%Y-%m-%dT%H").replace(tzinfo=UTC).timestamp())


_PLAIN = (
    *("rows", "missing", "unseen", "outside", "numbers", "mean", "squares", "low", "high"),
    "points",
)


def _point(row: Mapping[str, Any]) -> Point:
    labels = {name: row[name] for name in ("version", "feature", "segment") if row[name]}
    return Point(
        metric=row["metric"],
        labels=labels,
        start=row["start"],
        end=row["end"],
        value=row["value"],
        rows=row["rows"],
        error=row["error"],
    )
