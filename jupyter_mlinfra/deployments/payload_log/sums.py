"""What the requests of a span of time add up to, by version, however large the log is.

The sums of each hour are kept in `sums/`, with the files of the log that may have rows of it, and
made again when one of these has changed. So a look reads the last hours of the log alone, in runs
of a few, and one file at a time is in memory. What was summed up stays when its files have been
removed by age or size.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from .frames import UNIQUE
from .journals import CLOCK, begun_at, stem
from .merging import compacted_files, replaced
from .parts import RETRIED_SECONDS, _Seen
from .quarantine import problems
from .removal import left_out, removed_until
from .request_rows import request_rows
from .request_sums import RequestSums, sums_of

if TYPE_CHECKING:
    import polars as pl

SUMS = "sums"
HOUR = timedelta(hours=1)
AT_ONCE = 6
"""Hours that are summed up together; the ids of so many are in memory, at 8 bytes each."""

BATCH = 200_000
"""Requests that are summed up at a time."""

USED_SECONDS = 3600.0
"""Sums that are used are given a new time so often; `prune` removes those that have an old one."""

_FORMAT = 1
_RETRIED = timedelta(seconds=RETRIED_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSums:
    """versions: the sums of each. left_out: what is missing in them, a text each."""

    versions: Mapping[str, RequestSums]
    left_out: Sequence[str] = ()

    def of(self, version: str) -> RequestSums:
        """Those of one version, which may have had no request."""
        return self.versions.get(version, RequestSums())


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One of the log. begun, ended: about the times of its rows, in seconds since 1970. mark:
    another one when it has changed.
    """

    begun: float
    ended: float
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hour:
    """The sums of an hour or of a part of one. files: the marks of those that may have rows of it,
    by name. partly: some had been removed before it was summed up.
    """

    since: datetime
    until: datetime
    files: Mapping[str, str] = field(default_factory=dict)
    partly: bool = False
    versions: Mapping[str, RequestSums] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{_micros(self.since)}-{_micros(self.until)}.json"


def span_sums(folder: Path, since: datetime, until: datetime) -> SpanSums:
    """The sums of the requests that arrived from `since` until before `until`, each counted once,
    also one that the gateway has sent again.
    """
    files, gone, removed = _files(folder), replaced(folder), removed_until(folder)
    found: dict[str, RequestSums] = {}
    missing = [*problems(folder, since, until)]
    partly: list[datetime] = []

    def take(hour: _Hour) -> None:
        for version, sums in hour.versions.items():
            found[version] = found.get(version, RequestSums()) + sums
        if hour.partly:
            partly.append(hour.until)

    stale: list[_Hour] = []
    for hour in _hours(since, until):
        marks = _candidates(files, hour)
        known = _kept(folder, hour)
        if known is not None and _is_final(known, marks, gone | files.keys()):
            take(known)
        else:
            stale.append(replace(hour, files=marks, partly=hour.since.timestamp() < removed))
    for run in _runs(stale):
        summed, broken = _summed(folder, run)
        missing += [text for text in broken if text not in missing]
        for hour in summed:
            take(hour)
            if not broken:
                _keep(folder, hour)
    if partly:
        missing.append(left_out(max(partly).astimezone(UTC)))
    return SpanSums(versions=found, left_out=missing)


def prune(folder: Path, *, before: float) -> None:
    """Remove the sums that nobody has used since a time, in seconds since 1970."""
    for file in (folder / SUMS).glob("*.json"):
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                file.unlink()


def _hours(since: datetime, until: datetime) -> Iterator[_Hour]:
    """The span, cut at whole hours."""
    at = since
    while at < until:
        whole = at.replace(minute=0, second=0, microsecond=0) + HOUR
        yield _Hour(since=at, until=min(whole, until))
        at = whole


def _files(folder: Path) -> dict[str, _File]:
    """All of the log by name; of a journal that is compacted, its Parquet file."""
    found: dict[str, _File] = {}
    gone = replaced(folder)
    journals = sorted((*folder.glob("*.jsonl"), *folder.glob("*.jsonl.open")))
    for file in (*journals, *compacted_files(folder, None)):
        name = stem(file) if file.suffix != ".parquet" else file.stem
        if name in gone:
            continue
        with contextlib.suppress(FileNotFoundError):  # closed, compacted or removed meanwhile
            stat = file.stat()
            slack = 0.0 if file.suffix == ".parquet" else CLOCK.total_seconds()
            found[name] = _File(
                begun=begun_at(name) - CLOCK.total_seconds(),
                ended=stat.st_mtime + slack,
                mark=f"{stat.st_size} {stat.st_mtime_ns}",
            )
    return found


def _candidates(files: Mapping[str, _File], hour: _Hour) -> dict[str, str]:
    """The marks of the files that may have rows of an hour, or others of the same requests."""
    since, until = (hour.since - _RETRIED).timestamp(), (hour.until + _RETRIED).timestamp()
    return {
        name: file.mark
        for name, file in files.items()
        if file.ended >= since and file.begun < until
    }


def _is_final(known: _Hour, marks: Mapping[str, str], present: Set[str]) -> bool:
    """Whether the sums of an hour stay: nothing has changed, or some of it was removed since.
    present: the names of all files, and of those that are in merged ones.
    """
    return known.files == marks or not known.files.keys() <= present


def _runs(hours: Sequence[_Hour]) -> Iterator[list[_Hour]]:
    """Hours that follow each other, a few at a time."""
    numbered = enumerate(hours)
    for _, neighbours in groupby(
        numbered, key=lambda item: item[1].since.timestamp() // 3600 - item[0]
    ):
        run = [hour for _, hour in neighbours]
        for first in range(0, len(run), AT_ONCE):
            yield run[first : first + AT_ONCE]


def _summed(folder: Path, run: Sequence[_Hour]) -> tuple[list[_Hour], list[str]]:
    """Some hours that follow each other with their sums, and why some files cannot be read. Of a
    request that was sent again the row in the first file counts, as in `parts`.
    """
    sums: list[dict[str, RequestSums]] = [{} for _ in run]
    broken: list[str] = []
    for rows in _batches(_new_rows(folder, run, broken)):
        for place, version, item in sums_of(rows.with_columns(hour=_place(run))):
            sums[place][version] = sums[place].get(version, RequestSums()) + item
    return [replace(hour, versions=item) for hour, item in zip(run, sums, strict=True)], broken


def _new_rows(folder: Path, run: Sequence[_Hour], broken: list[str]) -> Iterator[pl.DataFrame]:
    """The requests of some hours, file by file and each once. broken: gets the reasons."""
    import polars as pl

    since, until, seen = run[0].since, run[-1].until, _Seen()
    for name in sorted({name for hour in run for name in hour.files}):
        rows, problem = request_rows(folder, name, since - _RETRIED, until + _RETRIED)
        if problem:
            broken.append(problem)
        if rows.is_empty():
            continue
        new = seen.note(rows[UNIQUE].hash().to_numpy())
        inside = pl.col("ts").is_between(since, until, closed="left")
        yield rows.filter(inside & pl.lit(pl.Series(new, dtype=pl.Boolean)))


def _batches(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in larger frames: many files are small."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(item.height for item in waiting) >= BATCH:
            yield pl.concat(waiting, how="vertical_relaxed")
            waiting = []
    if waiting:
        yield pl.concat(waiting, how="vertical_relaxed")


def _place(run: Sequence[_Hour]) -> pl.Expr:
    """The number of the hour of each row, in a run."""
    import polars as pl

    first = run[0].since.replace(minute=0, second=0, microsecond=0)
    return (pl.col("ts") - first).dt.total_hours()


def _kept(folder: Path, hour: _Hour) -> _Hour | None:
    """What was kept of an hour; None if there is nothing that can be read."""
    file = folder / SUMS / hour.name
    try:
        found = orjson.loads(file.read_bytes())
        if found["format"] != _FORMAT:
            return None
        if time.time() - file.stat().st_mtime > USED_SECONDS:
            os.utime(file)
        versions = {
            version: RequestSums(
                **{name: value for name, value in item.items() if value is not None}
                | {"bins": dict(item["bins"])}
            )
            for version, item in found["versions"].items()
        }
        return replace(hour, files=found["files"], partly=found["partly"], versions=versions)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(folder: Path, hour: _Hour) -> None:
    """Keep the sums of an hour that is over, and whose requests are all in the log. If they cannot
    be written, or a power cut takes them, they are made again.
    """
    over = hour.until + _RETRIED < datetime.now(UTC) and not hour.until.timestamp() % 3600
    if not over or not hour.files or not folder.is_dir():
        return
    document = {
        "format": _FORMAT,
        "files": hour.files,
        "partly": hour.partly,
        "versions": {
            version: {
                **asdict(item),
                "low": item.low if item.answered else None,
                "bins": list(item.bins.items()),
            }
            for version, item in hour.versions.items()
        },
    }
    file = folder / SUMS / hour.name
    draft = file.with_name(f".{hour.name}.{os.getpid()}.draft")
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        draft.write_bytes(orjson.dumps(document))
        draft.replace(file)


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
