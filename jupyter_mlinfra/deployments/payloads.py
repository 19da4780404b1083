"""The payload log of a deployment as frames: journals of the serving processes, and the Parquet
files they are compacted to.

The form of the journals is in `runtime.journal`. Here:

    payloads/<deployment>/<version>-<started>-<pid>.jsonl.open    being written to
                          <version>-<started>-<pid>.jsonl         closed
                          <version>-<started>-<pid>.count         how much the process had to log,
                                                                  and how much of it is missing
                          parquet/<name of the journal>.parquet   compacted: the same rows, with a
                                                                  column of lists for the inputs

A journal and its Parquet file may both exist for a moment, and a request that the gateway retried
is in two journals: reading makes rows unique by the gateway's own id and the row number, so that
nothing counts twice. The request id comes from the caller, and may be the same for all its
requests.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..core.errors import Conflict
from ..core.files import explain_os_error, file_lock, sync_folder
from .runtime.journal import LEDGER

if TYPE_CHECKING:
    import polars as pl

BASE_COLUMNS = (
    "request_id",
    "row",
    "ts",
    "deployment",
    "version",
    "status",
    "latency_ms",
    "prediction",
)
"""The columns of a frame before the inputs. An input of the same name is called `input.<name>`."""

UNIQUE = ".unique"
"""Column of the gateway's own id: in the files, and in frames until their rows are unique."""

_SHADOW = ".shadow"
"""Column of the same: whether a row is of a copy that a shadow answered, with the ids of its
original.
"""

COMPACT_AFTER_SECONDS = 60.0
_PARQUET = "parquet"
_TEXT_TYPES = ("string", "datetime", "binary", "array", "object", "map", "any")
"""Inputs that the journals hold as texts, unless they have categories."""


@dataclass(slots=True)
class _Rows:
    """Rows of one journal, column by column. types: of the inputs, in MLflow's words. inputs: one
    list of numbers per row, None for a refused request. texts: the same places, where they are
    texts; None for a row of numbers. scores, labels: the outputs that are numbers, and those that
    are texts.

    what, request: of a refused or failed request, the reason and the beginning of its body; else
    None.
    """

    names: list[str] = field(default_factory=list)
    categories: list[list[str]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    deployment: str = ""
    version: str = ""
    request_id: list[str] = field(default_factory=list)
    unique: list[str] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    shadow: list[bool] = field(default_factory=list)
    ts: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    scores: list[list[float | None] | None] = field(default_factory=list)
    labels: list[list[str | None] | None] = field(default_factory=list)
    inputs: list[list[float | None] | None] = field(default_factory=list)
    texts: list[list[str | None] | None] = field(default_factory=list)
    what: list[str | None] = field(default_factory=list)
    request: list[str | None] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0


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
    """All logged rows, of answers and of copies, as often as they were logged."""
    import polars as pl

    frames = [_frame(rows) for rows in _journals(folder, since)]
    for file in _compacted(folder, since):
        with contextlib.suppress(FileNotFoundError):  # the file was too old and has been removed
            frames.append(_from_parquet(file))
    frames = [frame if since is None else frame.filter(pl.col("ts") >= since) for frame in frames]
    return pl.concat(
        [frame for frame in frames if frame.height] or [_frame(_Rows())], how="diagonal_relaxed"
    )


def unique_rows(frame: pl.DataFrame, *, shadow: bool) -> pl.DataFrame:
    """The rows of answers, or of copies, each once, with the gateway's id, oldest first. Of several
    shadows each has its own.
    """
    import polars as pl

    chosen = frame.filter(pl.col(_SHADOW) == shadow).drop(_SHADOW)
    key = [UNIQUE, "row", *(["version"] if shadow else [])]
    return chosen.unique(key, keep="first").sort("ts", *key)


def refused(folder: Path, since: datetime | None = None) -> pl.DataFrame:
    """Refused and failed requests, oldest first: request_id, ts, version, status, latency_ms, what
    (the reason), request (its body as text, of a long body the beginning).
    """
    import polars as pl

    names = (
        "request_id",
        UNIQUE,
        _SHADOW,
        "ts",
        "version",
        "status",
        "latency_ms",
        "what",
        "request",
    )
    empty = _list_frame(_Rows()).select(names)
    frames = [
        _list_frame(rows).filter(pl.col("status") >= 400).select(names)
        for rows in _journals(folder, since)
    ]
    for file in _compacted(folder, since):
        with contextlib.suppress(FileNotFoundError):  # the file was too old and has been removed
            logged = pl.scan_parquet(file)
            present = logged.collect_schema().names()  # an earlier version wrote fewer columns
            frames.append(
                logged.filter(pl.col("status") >= 400)
                .select([name for name in names if name in present])
                .collect()
            )
    frame = pl.concat([empty, *frames], how="diagonal_relaxed")
    frame = frame.filter(~pl.col(_SHADOW).fill_null(value=False))
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

    entries = [entry for rows in _journals(folder, since) for entry in rows.feedback]
    for file in _compacted(folder, since):
        entries.extend(orjson.loads(_metadata(file).get("feedback", "[]")))
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
    journals = sum(rows.dropped for rows in _journals(folder, since))
    compacted = sum(int(_metadata(file).get("dropped", "0")) for file in _compacted(folder, since))
    return journals + compacted + sum(_missing(file, since) for file in folder.glob("*.count"))


def _missing(ledger: Path, since: datetime | None = None) -> int:
    """Entries of one process that are in no line of its journals."""
    try:
        received, accounted, dropped, last_at = LEDGER.unpack(ledger.read_bytes()[: LEDGER.size])
        running = _has_open(_pid(ledger), ledger)
    except (OSError, ValueError, struct.error):
        return 0
    if since is not None and last_at < since.timestamp():
        return 0
    return int(dropped if running else max(0, received - accounted))


def compact(folder: Path) -> int:
    """Turn closed journals into one Parquet file each; returns how many. A journal is removed only
    when its Parquet file is on disk.

    Raises Unavailable if the disk is full; the journals then stay.
    """
    count = 0
    with file_lock(folder / ".compact.lock"):
        _close_abandoned(folder)
        for journal in sorted(folder.glob("*.jsonl")):
            target = folder / _PARQUET / f"{journal.stem}.parquet"
            try:
                if not target.exists():
                    _write(target, _read_journal(journal))
                journal.unlink()
            except OSError as error:
                raise explain_os_error(error, f"{journal.name} was not compacted.") from error
            count += 1
    return count


def prune(folder: Path, *, days: float, gib: float) -> int:
    """Remove closed files without a row of the last `days`, then the oldest ones beyond `gib`;
    returns how many. Open files stay.

    This never waits: nothing is removed while the folder is being compacted.
    """
    oldest, bytes_left = time.time() - days * 86_400, gib * (1 << 30)
    files = [
        *folder.glob("*.jsonl"),
        *(folder / _PARQUET).glob("*.parquet"),
        *_dead_ledgers(folder),
    ]
    if not files:
        return 0
    try:
        with file_lock(folder / ".compact.lock", wait=False, what="A compaction"):
            removed = 0
            for modified_at, size, file in sorted(
                ((stat := file.stat()).st_mtime, stat.st_size, file) for file in files
            )[::-1]:
                bytes_left -= size
                if modified_at < oldest or bytes_left < 0:
                    file.unlink(missing_ok=True)
                    removed += 1
            return removed
    except (
        Conflict,
        FileNotFoundError,
    ):
        # It is being compacted, or the log is being deleted: try another time.
        return 0


def _dead_ledgers(folder: Path) -> list[Path]:
    ledgers = []
    for file in folder.glob("*.count"):
        with contextlib.suppress(ValueError):
            if not _has_open(_pid(file), file):
                ledgers.append(file)
    return ledgers


def _journals(folder: Path, since: datetime | None) -> Iterator[_Rows]:
    compacted = {file.stem for file in (folder / _PARQUET).glob("*.parquet")}
    for file in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.open")]):
        if _stem(file) in compacted or not _may_hold(file, since):
            continue
        try:
            yield _read_journal(file)
        except FileNotFoundError:  # closed, and so renamed, since the folder was listed
            with contextlib.suppress(FileNotFoundError):
                yield _read_journal(file.with_suffix(""))


def _compacted(folder: Path, since: datetime | None) -> list[Path]:
    return [
        file for file in sorted((folder / _PARQUET).glob("*.parquet")) if _may_hold(file, since)
    ]


def _stem(file: Path) -> str:
    return file.name.removesuffix(".open").removesuffix(".jsonl")


def _may_hold(file: Path, since: datetime | None) -> bool:
    """A file that was last written before `since` holds nothing newer. Parquet files keep their
    journal's time.
    """
    with contextlib.suppress(OSError):
        return since is None or file.stat().st_mtime >= since.timestamp()
    return True


def _read_journal(file: Path) -> _Rows:
    rows = _Rows()
    with open(file, "rb") as lines:
        for line in lines:
            try:
                entry = orjson.loads(line)
                _add_entry(entry, rows)
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                continue  # the torn line of a killed process
    return rows


def _add_entry(entry: dict[str, Any], rows: _Rows) -> None:
    entry_kind = entry.get("k")
    if entry_kind == "p":
        for number, (inputs, score) in enumerate(zip(entry["x"], entry["y"], strict=True)):
            _add(rows, entry, number, inputs, score if isinstance(score, list) else [score])
    elif entry_kind == "e":
        _add(rows, entry, 0, None, None)
        rows.what[-1], rows.request[-1] = str(entry.get("what", "")), str(entry.get("b", ""))
    elif entry_kind == "f":
        rows.feedback.append(entry)
    elif entry_kind == "d":
        rows.dropped += int(entry["n"])
    elif "names" in entry:
        rows.names, rows.categories = list(entry["names"]), list(entry.get("categories", []))
        rows.types = list(entry.get("types", []))
        rows.deployment, rows.version = str(entry["deployment"]), str(entry["version"])


def _add(
    rows: _Rows,
    entry: dict[str, Any],
    number: int,
    inputs: list[Any] | None,
    scores: list[Any] | None,
) -> None:
    request_id, ts, milliseconds, status = (
        str(entry["id"]),
        float(entry["ts"]),
        float(entry["ms"]),
        int(entry["st"]),
    )
    rows.request_id.append(request_id)
    # A journal of an earlier version has only the callers' ids.
    rows.unique.append(str(entry.get("u") or request_id))
    rows.row.append(number)
    rows.shadow.append(bool(entry.get("sh")))
    rows.ts.append(ts)
    rows.latency_ms.append(milliseconds)
    rows.status.append(status)
    numbers, texts = _apart(inputs)
    rows.inputs.append(numbers)
    rows.texts.append(texts)
    numbers, texts = _apart(scores)
    rows.scores.append(numbers)
    rows.labels.append(texts)
    rows.what.append(None)
    rows.request.append(None)


def _apart(
    values: list[Any] | None,
) -> tuple[list[float | None] | None, list[str | None] | None]:
    """Numbers and texts of a row, each with null in the places of the other; no texts if all are
    numbers.
    """
    if values is None or not any(isinstance(value, str) for value in values):
        return values, None
    numbers = [None if isinstance(value, str) else value for value in values]
    return numbers, [value if isinstance(value, str) else None for value in values]


def _list_frame(rows: _Rows) -> pl.DataFrame:
    """Inputs and predictions as lists: one schema for every model, so that files of different
    signatures can be read together.
    """
    import polars as pl

    return pl.DataFrame(
        {
            "request_id": rows.request_id,
            UNIQUE: rows.unique,
            "row": rows.row,
            _SHADOW: rows.shadow,
            "ts": (
                pl.Series([int(moment * 1e6) for moment in rows.ts], dtype=pl.Int64).cast(
                    pl.Datetime("us", "UTC")
                )
            ),
            "deployment": [rows.deployment] * len(rows.row),
            "version": [rows.version] * len(rows.row),
            "status": rows.status,
            "latency_ms": rows.latency_ms,
            "predictions": rows.scores,
            "labels": rows.labels,
            "inputs": rows.inputs,
            "texts": rows.texts,
            "what": rows.what,
            "request": rows.request,
        },
        schema={
            "request_id": pl.String,
            UNIQUE: pl.String,
            "row": pl.Int32,
            _SHADOW: pl.Boolean,
            "ts": pl.Datetime("us", "UTC"),
            "deployment": pl.String,
            "version": pl.String,
            "status": pl.Int16,
            "latency_ms": pl.Float64,
            "predictions": pl.List(pl.Float64),
            "labels": pl.List(pl.String),
            "inputs": pl.List(pl.Float64),
            "texts": pl.List(pl.String),
            "what": pl.String,
            "request": pl.String,
        },
    )


def _frame(rows: _Rows) -> pl.DataFrame:
    return _with_columns(_list_frame(rows), rows.names, rows.categories, rows.types)


def _with_columns(
    frame: pl.DataFrame,
    names: Sequence[str],
    categories: Sequence[Sequence[str]],
    types: Sequence[str],
) -> pl.DataFrame:
    """One column per input and output; codes of categories become the texts they stand for."""
    import polars as pl

    width = max(1, int(frame.select(pl.col("predictions").list.len().max()).item() or 1))
    outputs = [
        _output(frame, position).alias(f"prediction_{position}" if position else "prediction")
        for position in range(width)
    ]
    reserved = {
        *BASE_COLUMNS,
        UNIQUE,
        _SHADOW,
        *(f"prediction_{position}" for position in range(1, width)),
    }
    inputs = []
    for position, name in enumerate(names):
        value = pl.col("inputs").list.get(position, null_on_oob=True)
        if position < len(categories) and categories[position]:
            value = value.cast(pl.Int32).replace_strict(
                dict(enumerate(categories[position])), default=None, return_dtype=pl.String
            )
        elif position < len(types) and types[position] in _TEXT_TYPES:
            value = pl.col("texts").list.get(position, null_on_oob=True)
            if types[position] == "datetime":
                value = _moment(value)
        inputs.append(value.alias(f"input.{name}" if name in reserved else name))
    # Both: a file of an earlier version.
    unique = pl.col(UNIQUE) if UNIQUE in frame.columns else pl.col("request_id").alias(UNIQUE)
    shadow = pl.col(_SHADOW) if _SHADOW in frame.columns else pl.lit(value=False).alias(_SHADOW)
    return frame.select(*BASE_COLUMNS[:-1], unique, shadow, *outputs, *inputs)


def _output(frame: pl.DataFrame, position: int) -> pl.Expr:
    """One output: texts if the model has answered any there."""
    import polars as pl

    number = pl.col("predictions").list.get(position, null_on_oob=True)
    if "labels" not in frame.columns:  # a file of an earlier version
        return number
    text = pl.col("labels").list.get(position, null_on_oob=True)
    return text if frame.select(text.is_not_null().any()).item() else number


def _moment(value: pl.Expr) -> pl.Expr:
    """ISO 8601 text as a moment without zone; one with a zone is turned into UTC."""
    import polars as pl

    text = value.str.replace(" ", "T", literal=True)
    zoned = text.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    plain = text.str.to_datetime(time_unit="us", strict=False)
    return pl.coalesce(plain, zoned.dt.replace_time_zone(None))


def _from_parquet(file: Path, wanted: pl.Expr | None = None) -> pl.DataFrame:
    import polars as pl

    facts = _metadata(file)
    rows = pl.scan_parquet(file)
    return _with_columns(
        (rows if wanted is None else rows.filter(wanted)).collect(),
        orjson.loads(facts.get("names", "[]")),
        orjson.loads(facts.get("categories", "[]")),
        orjson.loads(facts.get("types", "[]")),
    )


def _metadata(file: Path) -> dict[str, str]:
    import polars as pl

    try:
        return dict(pl.read_parquet_metadata(file))
    except FileNotFoundError:  # the file was too old and has been removed
        return {}


def _write(target: Path, rows: _Rows) -> None:
    """Temporary file, fsync, rename, fsync of the folder."""
    target.parent.mkdir(exist_ok=True)
    lists = {
        "names": rows.names,
        "categories": rows.categories,
        "types": rows.types,
        "feedback": rows.feedback,
    }
    facts = {
        **{name: orjson.dumps(value).decode() for name, value in lists.items()},
        "dropped": str(rows.dropped),
    }
    draft = target.with_name(f".{target.name}.draft")
    try:
        _list_frame(rows).write_parquet(draft, compression="zstd", metadata=facts)
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        if rows.ts:  # so that `since` skips it as it skips its journal
            newest = (
                max(*rows.ts, *(entry["ts"] for entry in rows.feedback))
                if rows.feedback
                else max(rows.ts)
            )
            os.utime(draft, (newest, newest))
        draft.rename(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _close_abandoned(folder: Path) -> None:
    """Close the journals of killed processes, which keep `.open`: their writer is gone, or has been
    silent for long. Empty counts are removed.
    """
    for file in folder.glob("*.jsonl.open"):
        with contextlib.suppress(OSError, ValueError):
            silent = time.time() - file.stat().st_mtime > COMPACT_AFTER_SECONDS
            if silent and not _has_open(_pid(file), file):
                file.rename(file.with_suffix(""))
    for ledger in _dead_ledgers(folder):
        if not _missing(ledger):
            ledger.unlink(missing_ok=True)


def _pid(file: Path) -> int:
    """The process that a file is named after. Raises ValueError if there is none in its name."""
    return int(file.name.partition(".")[0].rpartition("-")[2])


def _has_open(pid: int, file: Path) -> bool:
    """Whether that process has the file open; yes for one of our processes that cannot be asked."""
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any(handle.resolve() == file.resolve() for handle in folder.iterdir())
    except FileNotFoundError:
        return Path("/proc/self").exists() is False
    except OSError:
        return True


def _numbers(truth: Any) -> list[float] | None:
    if not isinstance(truth, list):
        return None
    flat = [item for value in truth for item in (value if isinstance(value, list) else [value])]
    return [float(item) for item in flat if isinstance(item, int | float)]


if __name__ == "__main__":  # the keeper runs this from time to time, in a separate process
    for name in sys.argv[1:]:
        compact(Path(name))
