"""The payload log request by request, newest first, for people who look at it.

A page reads the files of the log one after the other, from the newest, and stops as soon as no
older file can hold a row that belongs on it: a large log costs no more than a small one. A page
whose filter fits few rows stops after `FILES` files and says how far it has looked.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from ..core.errors import BadRequest, NotFound
from ..core.records import MASK, Page, check_limit
from .payload_log.frames import (
    BASE_COLUMNS,
    PREFIX,
    SHADOW,
    UNIQUE,
    facts_of,
    frame_of,
    is_output,
    read_parquet,
)
from .payload_log.journals import PARQUET, JournalRows, read_journal
from .payload_log.parts import _file_names, _may_hold_any
from .payload_log.request_ids import hashes_of

if TYPE_CHECKING:
    import polars as pl

    from .packaging import Bundle

Outcome = Literal["answered", "refused", "failed"]
"""By the status: below 400, below 500, above."""

Labels = Callable[[datetime, datetime], Mapping[tuple[str, int], float | str]]
"""The labels that are known of the rows in a span of time, both ends included, by request id and
row: numbers, or names of classes.
"""

FILES = 24
"""A page reads at most so many files of the log; a file has at most 32 MiB."""

FEATURES, OUTPUTS = 12, 10
"""Features and answers of a row in a list; its detail has `MOST`."""

MOST = 500
_REASON = 500
_EPOCH = datetime.fromtimestamp(0, UTC)
_CURSOR = re.compile(r"(\d{1,17})\.(\d{1,7})\Z")
_WHAT, _REQUEST, _OUTPUTS = ".what", ".request", ".outputs"
_ADDED = (UNIQUE, _WHAT, _REQUEST, _OUTPUTS)
_PARTS = ("length", "bytes", "mean", "std", "min", "max")
_WHOLE, _PLAIN = ("integer", "long"), ("double", "float", "string", "datetime", "boolean")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One row of a request in the payload log. id: comes from the caller, so it may occur twice.
    row: within its request, from 0. at: its arrival. latency_ms: in the model's process.

    answer: what the model answered, by output: probabilities by the name of their class, if the
    model has told it. features: in a list the first ones of `inputs`.
    masked: features whose values are not shown. label: what was reported as true, a number or the
    name of a class; None while it is unknown. why: the reason of a request that was refused or has
    failed.
    """

    id: str
    row: int
    at: datetime
    version: str
    status: int
    latency_ms: float
    answer: Mapping[str, Any]
    features: Mapping[str, Any]
    inputs: int
    masked: Sequence[str]
    label: float | str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequestDetail:
    """One row of a request with all that is known of it. body: a request that repeats the row, in
    Seldon's protocol; None with `not_repeatable`, the reason why there is none. sent: the beginning
    of the body of a request that was refused. code: the same request by every interface.
    """

    request: LoggedRequest
    body: Mapping[str, Any] | None
    not_repeatable: str
    sent: str
    code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows. id: of one request only. since, until: of their arrival. masked: patterns of the
    inputs that are. shadow: the copies that shadows answered instead.
    """

    id: str = ""
    version: str = ""
    outcome: Outcome | None = None
    since: datetime = _EPOCH
    until: datetime | None = None
    masked: Sequence[str] = ()
    shadow: bool = False


@dataclass(slots=True)
class _Found:
    """The newest rows so far, newest first; `most` are kept. shadow: they are copies, of which each
    shadow has its own. broken: files that could not be read, with the reason.
    """

    most: int
    shadow: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seen: set[tuple[str, int, str]] = field(default_factory=set)

    def add(self, frame: pl.DataFrame) -> None:
        for row in frame.iter_rows(named=True):
            version = str(row["version"]) if self.shadow else ""
            key = (str(row[UNIQUE]), int(row["row"]), version)
            if key not in self.seen:  # else the gateway has sent the request twice
                self.seen.add(key)
                self.rows.append(row)
        self.rows.sort(key=_order)
        del self.rows[self.most :]

    def is_full(self, end: float) -> bool:
        """Whether no row before `end` belongs to them."""
        return len(self.rows) >= self.most and self.rows[-1]["ts"].timestamp() > end


def page(
    folder: Path, wanted: Wanted, *, limit: int, cursor: str | None, labels: Labels
) -> Page[LoggedRequest]:
    """The newest rows that are wanted. Raises BadRequest for a cursor that no answer contained."""
    check_limit(limit)
    until, skip = _parse(cursor)
    if until is not None:
        wanted = replace(wanted, until=min(until, wanted.until or until))
    found, looked_back_to = _newest(folder, wanted, limit + skip + 1)
    rows = [row for row in found.rows if looked_back_to is None or row["ts"] > looked_back_to]
    part = rows[skip : skip + limit]
    more = len(rows) > skip + limit
    following, note = None, _said_of(found.broken)
    if more:
        following = _cursor(part[-1]["ts"], rows[: skip + limit])
    elif looked_back_to is not None:
        following = f"{_micros(looked_back_to)}.0"
        back = f"The log was searched back to {looked_back_to:%Y-%m-%d %H:%M:%S} UTC."
        note = f"{note} {back}".strip()
    known = labels(part[-1]["ts"], part[0]["ts"]) if part else {}
    return Page(
        items=[_record(row, wanted.masked, known) for row in part],
        shown=len(part),
        total=len(part),
        cursor=following,
        note=note,
        more=following is not None,
    )


def detail(
    folder: Path,
    request_id: str,
    *,
    at: datetime | None,
    row: int,
    masked: Sequence[str],
    shadow: bool = False,
    version: str = "",
    bundle_of: Callable[[str], Bundle | None],
    asked: Bundle | None = None,
    labels: Labels,
    code: Callable[[Mapping[str, Any]], Mapping[str, str]],
) -> LoggedRequestDetail:
    """One row, which arrived at a time; of a copy that a shadow answered, if asked.
    at: None for the newest request with that id. version: that answered, since several shadows
    answer one request; empty: any. asked: of the version that is asked again, which refuses
    parameters that it does not have; None if it is unknown. Raises NotFound.
    """
    wanted = Wanted(id=request_id, version=version, shadow=shadow)
    if at is not None:
        around = timedelta(milliseconds=1)
        wanted = replace(wanted, since=at - around, until=at + around)
    found, _ = _newest(folder, wanted, 10_000)
    item = next((item for item in found.rows if item["row"] == row), None)
    if item is None:
        raise NotFound(
            f"Request {request_id[:80]} is not in the payload log.",
            _said_of(found.broken) or "It was removed by age or size, or never logged.",
            "`payload_days` and `payload_gib` of [deployments] say what is kept.",
        )
    known = labels(item["ts"], item["ts"])
    record = _record(item, masked, known, features=MOST, outputs=MOST)
    given = _params(item["params"], asked)
    body, why = _body(record, bundle_of(record.version), given, masked)
    return LoggedRequestDetail(
        request=record,
        body=body,
        not_repeatable=why,
        sent="" if masked else item[_REQUEST] or "",
        code=code(body) if body else {},
    )


def newest_files(folder: Path, since: datetime, until: datetime) -> list[tuple[float, str]]:
    """Files that may hold rows of a time, with the end of what they hold in seconds since 1970;
    the newest end first.
    """
    ends = []
    for name in _file_names(folder, since, until):
        paths = (folder / PARQUET / f"{name}.parquet", *folder.glob(f"{name}.jsonl*"))
        times = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # closed, compacted or removed meanwhile
                times.append(path.stat().st_mtime)
        if times:
            ends.append((max(times), name))
    return sorted(ends, reverse=True)


def _rows_of(folder: Path, name: str, wanted: Wanted, until: datetime) -> pl.DataFrame:
    """The rows of one file as `payload_log.reading.scan` gives them, answers or copies, and further
    columns: `.unique`, the gateway's id; `.what` and `.request`, the reason of a refused request
    and its body; `.outputs`, the names of the outputs. While a file is compacted or closed it
    changes its name: it is looked for again.
    """
    import polars as pl

    inside = pl.col("ts").is_between(wanted.since, until, closed="left")
    if wanted.id:
        inside &= pl.col("request_id") == wanted.id
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            if (file := folder / PARQUET / f"{name}.parquet").exists():
                return _of_kind(_compacted_rows(file, inside), wanted)
            for ending in (".jsonl.open", ".jsonl"):
                if (file := folder / f"{name}{ending}").exists():
                    return _of_kind(_journal_rows(read_journal(file)).filter(inside), wanted)
    return _of_kind(_journal_rows(JournalRows()), wanted)  # too old, and removed


def _of_kind(rows: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """The answers, or the copies that shadows answered."""
    import polars as pl

    return rows.filter(pl.col(SHADOW) == wanted.shadow).drop(SHADOW)


def _journal_rows(rows: JournalRows) -> pl.DataFrame:
    import polars as pl

    refusals = (
        pl.Series(_WHAT, rows.what, dtype=pl.String),
        pl.Series(_REQUEST, rows.request, dtype=pl.String),
    )
    return frame_of(rows).with_columns(*refusals, _named(rows.outputs))


def _compacted_rows(file: Path, wanted: pl.Expr) -> pl.DataFrame:
    import polars as pl

    logged = pl.scan_parquet(file)
    present = logged.collect_schema().names()  # an earlier version wrote fewer columns
    columns = (
        (pl.col(name) if name in present else pl.lit(None, pl.String)).alias(f".{name}")
        for name in ("what", "request")
    )
    refusals = logged.filter(wanted).select(*columns).collect()
    outputs = orjson.loads(facts_of(file).get("outputs", "[]"))
    return read_parquet(file, wanted).with_columns(refusals).with_columns(_named(outputs))


def _named(outputs: Sequence[str]) -> pl.Expr:
    import polars as pl

    return pl.lit(list(outputs), dtype=pl.List(pl.String)).alias(_OUTPUTS)


def _said_of(broken: Sequence[str]) -> str:
    """What is missing because files of the log could not be read."""
    if not broken:
        return ""
    count = "A file" if len(broken) == 1 else f"{len(broken):,} files"
    return f"{count} of the log could not be read: {broken[0]}."


def _newest(folder: Path, wanted: Wanted, most: int) -> tuple[_Found, datetime | None]:
    """The newest rows, and the time down to which they are complete; None if that is all. One
    request is looked for in all files whose index may hold it.
    """
    import polars as pl

    hashes = hashes_of([wanted.id]) if wanted.id else None
    found = _Found(most, wanted.shadow)
    until = wanted.until or datetime.fromtimestamp(4e9, UTC)
    read = 0
    for end, name in newest_files(folder, wanted.since, until):
        if found.is_full(end):
            break
        if read >= FILES and end < until.timestamp() and not wanted.id:
            return found, datetime.fromtimestamp(end, UTC)
        if wanted.version and not name.startswith(f"{wanted.version}-"):
            continue
        try:
            if hashes is not None and not _may_hold_any(folder, name, hashes):
                continue
            rows = _rows_of(folder, name, wanted, until)
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            found.broken.append(f"{name}: {str(error)[:200]}")
            continue
        read += rows.height > 0  # one that only may hold some costs no more than its statistics
        rows = _matching(rows, wanted)
        newest_first = rows.sort("ts", UNIQUE, "row", descending=[True, False, False])
        # A merged file holds both copies of a request that the gateway has sent twice.
        once = newest_first.unique([UNIQUE, "row"], keep="first", maintain_order=True)
        found.add(once.head(most))
    return found, None


def _matching(rows: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    import polars as pl

    status = pl.col("status")
    if wanted.outcome == "answered":
        return rows.filter(status < 400)
    if wanted.outcome == "refused":
        return rows.filter(status.is_between(400, 499))
    return rows.filter(status >= 500) if wanted.outcome == "failed" else rows


def _order(row: Mapping[str, Any]) -> tuple[float, str, int, str]:
    return -row["ts"].timestamp(), str(row[UNIQUE]), int(row["row"]), str(row["version"])


def _record(
    row: Mapping[str, Any],
    masked: Sequence[str],
    labels: Mapping[tuple[str, int], float | str],
    *,
    features: int = FEATURES,
    outputs: int = OUTPUTS,
) -> LoggedRequest:
    names = [name for name in row if name not in BASE_COLUMNS and name not in _ADDED]
    answers = ["prediction", *filter(is_output, names)]
    known = row[_OUTPUTS] if len(row[_OUTPUTS]) == len(answers) else answers
    inputs = [name for name in names if not is_output(name)]
    hidden = [name for name in inputs[:features] if is_masked(name, masked)]
    answered = row["status"] < 400
    shown = inputs[:features] if answered else []
    return LoggedRequest(
        id=row["request_id"],
        row=row["row"],
        at=row["ts"],
        version=row["version"],
        status=row["status"],
        latency_ms=row["latency_ms"],
        answer={
            output: row[name]
            for output, name in zip(known[:outputs], answers[:outputs], strict=True)
            if answered
        },
        features={name: MASK if name in hidden else row[name] for name in shown},
        inputs=len(inputs) if answered else 0,
        masked=hidden if answered else [],
        label=labels.get((row["request_id"], row["row"])),
        why=(row[_WHAT] or "")[:_REASON],
    )


def is_masked(name: str, patterns: Sequence[str]) -> bool:
    """Whether the values of an input are not shown. name: its own, that of its column, or that of a
    part of it, such as `x.0` and `x.mean`.
    """
    whole, _, part = name.rpartition(".")
    known = {name, whole} if part.isdecimal() or part in _PARTS else {name}
    names = {*known, *(item.removeprefix(PREFIX) for item in known)}
    return any(fnmatch.fnmatchcase(item, pattern) for item in names for pattern in patterns)


def _body(
    record: LoggedRequest,
    bundle: Bundle | None,
    params: Mapping[str, Any],
    masked: Sequence[str],
) -> tuple[Mapping[str, Any] | None, str]:
    """The row as a request with these parameters, or why there is none."""
    from .bodies import with_params

    if record.status >= 400:
        return None, "It was not answered, so its values are not in the log as inputs."
    if record.masked:
        return None, f"Values of {', '.join(record.masked[:5])} are not shown in this project."
    if hidden := [name for name in params if is_masked(name, masked)]:
        return None, f"Values of {', '.join(hidden[:5])} are not shown in this project."
    if bundle is None:
        return None, "The package of its version cannot be read."
    if "ndarray" not in bundle.asked or any(
        column.type not in (*_WHOLE, *_PLAIN) for column in bundle.inputs
    ):
        return None, "The log keeps only a summary of tensors, bytes and nested values."
    names = [column.name for column in bundle.inputs]
    if len(names) > MOST:
        return None, f"It has {len(names):,} inputs; those of up to {MOST} are repeated."
    values = [
        _value(
            column.type,
            record.features.get(f"{PREFIX}{column.name}", record.features.get(column.name)),
        )
        for column in bundle.inputs
    ]
    body = {"data": {"names": list(bundle.asked["names"]), "ndarray": [values]}}
    return with_params(body, params), ""


def _params(text: str | None, asked: Bundle | None) -> Mapping[str, Any]:
    """The parameters of a logged row, JSON, that a version has; all of them if it is unknown."""
    given: Mapping[str, Any] = orjson.loads(text) if text else {}
    if asked is None:
        return given
    known = {item.name for item in asked.params}
    return {name: value for name, value in given.items() if name in known}


def _value(kind: str, logged: Any) -> Any:
    """A logged value as it was sent: the log holds numbers as floats."""
    if logged is None:
        return None
    if kind == "boolean":
        return bool(logged)
    if kind in _WHOLE and isinstance(logged, float) and logged.is_integer():
        return int(logged)
    return logged.isoformat() if isinstance(logged, datetime) else logged


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _cursor(last: datetime, rows: Sequence[Mapping[str, Any]]) -> str:
    """The time of the last row, and how many of the rows so far have it: the rows of one request
    share it.
    """
    return f"{_micros(last)}.{sum(row['ts'] == last for row in rows)}"


def _parse(cursor: str | None) -> tuple[datetime | None, int]:
    """The time before which a page goes on, and how many rows to leave out there."""
    if not cursor:
        return None, 0
    found = _CURSOR.match(cursor)
    if found is None:
        raise BadRequest(
            f"cursor {cursor[:40]!r} is not one of ours.", fix="Use the cursor of the last answer."
        )
    at = min(int(found[1]), 4 * 10**15)
    return _EPOCH + timedelta(microseconds=at + 1), int(found[2])
