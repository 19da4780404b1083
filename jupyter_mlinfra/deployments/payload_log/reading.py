"""The whole payload log of a deployment as frames: rows, refused requests, feedback, losses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ...core.errors import Unprocessable
from ...core.value_names import value_name
from .frames import SHADOW, UNIQUE, facts_of, frame_of, list_frame, read_parquet
from .journals import JournalRows, journals
from .ledgers import missing_entries
from .merging import compacted_files, compacted_names

if TYPE_CHECKING:
    import polars as pl


def scan(folder: Path, since: datetime | None = None, *, shadow: bool = False) -> pl.DataFrame:
    """The logged rows of one deployment, oldest first, each once. shadow: those of the copies that
    shadows have answered instead, which nobody got.

    Columns: request_id, row (within its request), ts (UTC, arrival), deployment, version, status,
    latency_ms (in the model's process), prediction (float, or text for a model that answers names
    of classes; of several outputs the first, the others in prediction_1, …), then one column per
    input. A refused request is one row with null inputs. Numbers are floats (true as 1), categories
    are texts, dates are datetimes; bytes and nested values are texts; of a long text the beginning
    is kept. A tensor of more than 64 values a row is its mean, std, min and max.
    """
    return unique_rows(every_row(folder, since), shadow=shadow).drop(UNIQUE)


def every_row(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """All logged rows, of answers and of copies, as often as they were logged. Raises Unprocessable
    if a journal makes no frame.
    """
    import polars as pl

    try:
        frames = [frame_of(rows) for rows in journals(folder, since, compacted_names(folder))]
    except pl.exceptions.PolarsError as error:
        raise Unprocessable(
            f"The payload log of {folder.name} cannot be read.",
            f"{str(error)[:200]}.",
            "Register the model with another name for the input, and deploy it again.",
        ) from error
    for file in compacted_files(folder, since):
        with _unless_gone_or_broken():
            frames.append(read_parquet(file))
    frames = [frame if since is None else frame.filter(pl.col("ts") >= since) for frame in frames]
    return pl.concat(
        [frame for frame in frames if frame.height] or [frame_of(JournalRows())],
        how="diagonal_relaxed",
    )


def unique_rows(frame: pl.DataFrame, *, shadow: bool) -> pl.DataFrame:
    """The rows of answers, or of copies, each once, with the gateway's id, oldest first. Of several
    shadows each has its own.
    """
    import polars as pl

    chosen = frame.filter(pl.col(SHADOW) == shadow).drop(SHADOW)
    key = [UNIQUE, "row", *(["version"] if shadow else [])]
    return chosen.unique(key, keep="first").sort("ts", *key)


def refused(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """Refused and failed requests, oldest first: request_id, ts, version, status, latency_ms, what
    (the reason), request (its body as text, of a long body the beginning).
    """
    import polars as pl

    shown = ("ts", "version", "status", "latency_ms", "what", "request")
    names = ("request_id", UNIQUE, SHADOW, *shown)
    empty = list_frame(JournalRows()).select(names)
    frames = [
        list_frame(rows).filter(pl.col("status") >= 400).select(names)
        for rows in journals(folder, since, compacted_names(folder))
    ]
    for file in compacted_files(folder, since):
        with _unless_gone_or_broken():
            logged = pl.scan_parquet(file)
            present = logged.collect_schema().names()  # an earlier version wrote fewer columns
            frames.append(
                logged.filter(pl.col("status") >= 400)
                .select([name for name in names if name in present])
                .collect()
            )
    frame = pl.concat([empty, *frames], how="diagonal_relaxed")
    frame = frame.filter(~pl.col(SHADOW).fill_null(value=False))
    recent = frame if since is None else frame.filter(pl.col("ts") >= since)
    unique = (
        recent.with_columns(pl.coalesce(UNIQUE, "request_id").alias(UNIQUE))
        .unique(UNIQUE, keep="first")
        .sort("ts", UNIQUE)
    )
    return unique.select("request_id", *shown)


def feedback(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """Feedback on answered requests, the last of each: request_id, ts, reward, truth (list of
    numbers, or null if it has others), truth_texts (the same as texts, such as names of classes),
    truth_rows (the texts of each row, by output; null where nothing is said).
    """
    import polars as pl

    compacted = compacted_names(folder)
    entries = [entry for rows in journals(folder, since, compacted) for entry in rows.feedback]
    for file in compacted_files(folder, since):
        with _unless_gone_or_broken():
            entries.extend(orjson.loads(facts_of(file).get("feedback", "[]")))
    frame = pl.DataFrame(
        {
            "request_id": [str(entry["id"]) for entry in entries],
            "ts": [datetime.fromtimestamp(entry["ts"], UTC) for entry in entries],
            "reward": [float(entry.get("reward") or 0.0) for entry in entries],
            "truth": [_numbers(entry.get("truth")) for entry in entries],
            "truth_texts": [
                [text for row in _by_row(entry.get("truth")) for text in row if text is not None]
                for entry in entries
            ],
            "truth_rows": [_by_row(entry.get("truth")) for entry in entries],
        },
        schema={
            "request_id": pl.String,
            "ts": pl.Datetime("us", "UTC"),
            "reward": pl.Float64,
            "truth": pl.List(pl.Float64),
            "truth_texts": pl.List(pl.String),
            "truth_rows": pl.List(pl.List(pl.String)),
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
    lost = sum(rows.dropped for rows in journals(folder, since, compacted_names(folder)))
    for file in compacted_files(folder, since):
        with _unless_gone_or_broken():
            lost += int(facts_of(file).get("dropped", "0"))
    return lost + sum(missing_entries(file, since) for file in folder.glob("*.count"))


@contextlib.contextmanager
def _unless_gone_or_broken() -> Iterator[None]:
    """A file that was too old has been removed meanwhile. One that cannot be read hides no other:
    the next compaction sets it aside, and `quarantine.problems` tells of it.
    """
    import polars as pl

    with contextlib.suppress(OSError, ValueError, pl.exceptions.PolarsError):
        yield


def _by_row(truth: Any) -> list[list[str | None]]:
    """The truth of each row, by output. A number or a text alone is of the first row; null is an
    output that nothing is said of.
    """
    if truth is None:
        return []
    rows = truth if isinstance(truth, list) else [truth]
    return [[_text(item) for item in (row if isinstance(row, list) else [row])] for row in rows]


def _flat(truth: Any) -> list[Any]:
    if not isinstance(truth, list):
        return [] if truth is None else [truth]
    return [item for value in truth for item in (value if isinstance(value, list) else [value])]


def _numbers(truth: Any) -> list[float] | None:
    if not isinstance(truth, list):
        return None
    return [float(item) for item in _flat(truth) if isinstance(item, int | float)]


def _text(item: Any) -> str | None:
    """Numbers as they are written without a needless point."""
    if item is None:
        return None
    return value_name(item) if isinstance(item, int | float) else str(item)
