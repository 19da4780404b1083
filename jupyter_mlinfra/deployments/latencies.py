"""Latency and rate of each version over time, from the payload log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .payload_log.frames import UNIQUE
from .payload_log.request_rows import no_requests, request_rows
from .requests import newest_files

if TYPE_CHECKING:
    import polars as pl

BUCKETS = 60
FILES = 60
"""Files of the log that a series reads at most, the newest first: if full, 5 million requests."""


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
    """Read the log of a span of time. A request that the gateway sent twice counts once. A file
    that cannot be read gives none; a monitor reports it.
    """
    import polars as pl

    frames, complete_since = [], since
    for count, (end, name) in enumerate(newest_files(folder, since, until)):
        if count == FILES:
            complete_since = max(since, datetime.fromtimestamp(end, UTC))
            break
        frames.append(request_rows(folder, name, since, until)[0])
    rows = pl.concat([no_requests(), *frames])
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
