"""Latency and rate of each version over time, from the payload log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .payload_log.frames import SHADOW, UNIQUE
from .payload_log.journals import PARQUET, read_journal
from .requests import newest_files

if TYPE_CHECKING:
    import polars as pl

BUCKETS = 60
FILES = 60
"""Files of the log that a series reads at most, the newest first: about 5 million requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPoint:
    """The requests that arrived in a span of time that begins `at`. errors: answers from 500 on.
    p50_ms, p95_ms, p99_ms: of those that were answered, in the model's process; None without one.
    """

    at: datetime
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLatency:
    """One version: all of its requests as one point, and the points, oldest first; a span without
    requests has none.
    """

    version: str
    whole: LatencyPoint
    points: Sequence[LatencyPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySeries:
    """Latency and rate in a span of time. bucket_seconds: of a point. complete_since: what came
    before is not in it, because the log of the span is larger than what is read.
    """

    since: datetime
    until: datetime
    bucket_seconds: float
    complete_since: datetime
    versions: Sequence[VersionLatency]


def series(folder: Path, since: datetime, until: datetime) -> LatencySeries:
    """Read the log of a span of time. A request that the gateway sent twice counts once."""
    import polars as pl

    frames, complete_since = [], since
    for count, (end, name) in enumerate(newest_files(folder, since, until)):
        if count == FILES:
            complete_since = max(since, datetime.fromtimestamp(end, UTC))
            break
        frames += _figures(folder, name)
    rows = pl.concat([_frame([], [], [], [], []), *frames])
    inside = pl.col("ts").is_between(complete_since, until, closed="left")
    rows = rows.filter(inside).sort("ts").unique(UNIQUE, keep="first", maintain_order=True)
    bucket = (until - since) / BUCKETS
    place = (pl.col("ts") - since).dt.total_microseconds() // max(
        1, round(bucket.total_seconds() * 1e6)
    )
    versions = [
        VersionLatency(
            version=str(version),
            whole=_points(some.with_columns(place=pl.lit(0)), since, bucket)[0],
            points=_points(some, since, bucket),
        )
        for (version,), some in sorted(
            rows.with_columns(place=place).partition_by("version", as_dict=True).items(),
            key=lambda item: str(item[0]),
        )
    ]
    return LatencySeries(
        since=since,
        until=until,
        bucket_seconds=bucket.total_seconds(),
        complete_since=complete_since,
        versions=versions,
    )


def request_frames(
    folder: Path, since: datetime, until: datetime, files: int
) -> Iterator[pl.DataFrame]:
    """One row a request of the newest `files` files: .unique, ts, version, status, latency_ms."""
    for _, name in newest_files(folder, since, until)[:files]:
        yield from _figures(folder, name)


def _points(rows: pl.DataFrame, since: datetime, bucket: timedelta) -> list[LatencyPoint]:
    import polars as pl

    answered = pl.col("latency_ms").filter(pl.col("status") < 400)
    found = (
        rows.group_by("place")
        .agg(
            pl.len().alias("requests"),
            (pl.col("status") >= 500).sum().alias("errors"),
            *(
                answered.quantile(share, "linear").alias(name)
                for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))
            ),
        )
        .sort("place")
    )
    return [
        LatencyPoint(at=since + place * bucket, **values)
        for place, values in ((row.pop("place"), row) for row in found.iter_rows(named=True))
    ]


def _figures(folder: Path, name: str) -> list[pl.DataFrame]:
    """The requests of one file: its first rows. A file that cannot be read gives none; a monitor
    reports it.
    """
    import polars as pl

    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            try:
                if (file := folder / PARQUET / f"{name}.parquet").exists():
                    return [_of_parquet(file)]
                for ending in (".jsonl.open", ".jsonl"):
                    if (file := folder / f"{name}{ending}").exists():
                        return [_of_journal(file)]
            except (ValueError, pl.exceptions.PolarsError):
                return []
    return []


def _of_parquet(file: Path) -> pl.DataFrame:
    import polars as pl

    logged = pl.scan_parquet(file)
    present = logged.collect_schema().names()  # an earlier version wrote fewer columns
    unique = UNIQUE if UNIQUE in present else "request_id"
    copy = pl.col(SHADOW) if SHADOW in present else pl.lit(value=False)
    return (
        logged.filter(pl.col("row") == 0, ~copy)
        .select(pl.col(unique).alias(UNIQUE), "ts", "version", "status", "latency_ms")
        .collect()
    )


def _of_journal(file: Path) -> pl.DataFrame:
    rows = read_journal(file)
    kept = [place for place, row in enumerate(rows.row) if row == 0 and not rows.shadow[place]]
    return _frame(
        [rows.unique[place] for place in kept],
        [round(rows.ts[place] * 1e6) for place in kept],
        [rows.version] * len(kept),
        [rows.status[place] for place in kept],
        [rows.latency_ms[place] for place in kept],
    )


def _frame(
    unique: Sequence[str],
    micros: Sequence[int],
    version: Sequence[str],
    status: Sequence[int],
    latency: Sequence[float],
) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            UNIQUE: pl.Series(unique, dtype=pl.String),
            "ts": pl.Series(micros, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "version": pl.Series(version, dtype=pl.String),
            "status": pl.Series(status, dtype=pl.Int16),
            "latency_ms": pl.Series(latency, dtype=pl.Float64),
        }
    )
