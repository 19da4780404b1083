"""The whole payload log of a deployment as frames: rows, refused requests, feedback, losses."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from .frames import UNIQUE, facts_of, frame_of, list_frame, read_parquet
from .journals import JournalRows, compacted_files, journals
from .ledgers import missing_entries

if TYPE_CHECKING:
    import polars as pl


def scan(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """The logged rows of one deployment, oldest first, each once.

    Columns: request_id, row (within its request), ts (UTC, arrival), deployment, version, status,
    latency_ms (in the model's process), prediction (float, or text for a model that answers names
    of classes; of several outputs the first, the others in prediction_1, …), then one column per
    input. A refused request is one row with null inputs. Numbers are floats (true as 1), categories
    are texts, dates are datetimes; bytes and nested values are texts; of a long text the beginning
    is kept. A tensor of more than 64 values a row is its mean, std, min and max.
    """
    import polars as pl

    frames = [frame_of(rows) for rows in journals(folder, since)]
    for file in compacted_files(folder, since):
        with contextlib.suppress(FileNotFoundError):  # the file was too old and has been removed
            frames.append(read_parquet(file))
    frames = [frame if since is None else frame.filter(pl.col("ts") >= since) for frame in frames]
    all_rows = pl.concat(
        [frame for frame in frames if frame.height] or [frame_of(JournalRows())],
        how="diagonal_relaxed",
    )
    return all_rows.unique([UNIQUE, "row"], keep="first").sort("ts", UNIQUE, "row").drop(UNIQUE)


def refused(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """Refused and failed requests, oldest first: request_id, ts, version, status, latency_ms, what
    (the reason), request (its body as text, of a long body the beginning).
    """
    import polars as pl

    names = ("request_id", UNIQUE, "ts", "version", "status", "latency_ms", "what", "request")
    empty = list_frame(JournalRows()).select(names)
    frames = [
        list_frame(rows).filter(pl.col("status") >= 400).select(names)
        for rows in journals(folder, since)
    ]
    for file in compacted_files(folder, since):
        with contextlib.suppress(FileNotFoundError):  # the file was too old and has been removed
            logged = pl.scan_parquet(file)
            present = logged.collect_schema().names()  # an earlier version wrote fewer columns
            frames.append(
                logged.filter(pl.col("status") >= 400)
                .select([name for name in names if name in present])
                .collect()
            )
    frame = pl.concat([empty, *frames], how="diagonal_relaxed")
    recent = frame if since is None else frame.filter(pl.col("ts") >= since)
    unique = (
        recent.with_columns(pl.coalesce(UNIQUE, "request_id").alias(UNIQUE))
        .unique(UNIQUE, keep="first")
        .sort("ts", UNIQUE)
    )
    return unique.select("request_id", "ts", "version", "status", "latency_ms", "what", "request")


def feedback(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """Feedback on answered requests, the last of each: request_id, ts, reward, truth (list of
    numbers, or null).
    """
    import polars as pl

    entries = [entry for rows in journals(folder, since) for entry in rows.feedback]
    for file in compacted_files(folder, since):
        entries.extend(orjson.loads(facts_of(file).get("feedback", "[]")))
    frame = pl.DataFrame(
        {
            "request_id": [str(entry["id"]) for entry in entries],
            "ts": [datetime.fromtimestamp(entry["ts"], UTC) for entry in entries],
            "reward": [float(entry.get("reward") or 0.0) for entry in entries],
            "truth": [_numbers(entry.get("truth")) for entry in entries],
        },
        schema={
            "request_id": pl.String,
            "ts": pl.Datetime("us", "UTC"),
            "reward": pl.Float64,
            "truth": pl.List(pl.Float64),
        },
    )
    recent = frame if since is None else frame.filter(pl.col("ts") >= since)
    return recent.sort("ts").unique("request_id", keep="last", maintain_order=True)


def dropped(folder: Path, since: datetime | None = None) -> int:
    """How many entries could not be logged, in files that were written to after `since`; each
    covers at most an hour.

    For a killed process, what it had received and not written, so possibly a few too many. For one
    with a full disk, what no longer fits into its queue.
    """
    return (
        sum(rows.dropped for rows in journals(folder, since))
        + sum(int(facts_of(file).get("dropped", "0")) for file in compacted_files(folder, since))
        + sum(missing_entries(file, since) for file in folder.glob("*.count"))
    )


def _numbers(truth: Any) -> list[float] | None:
    if not isinstance(truth, list):
        return None
    flat = [item for value in truth for item in (value if isinstance(value, list) else [value])]
    return [float(item) for item in flat if isinstance(item, int | float)]
