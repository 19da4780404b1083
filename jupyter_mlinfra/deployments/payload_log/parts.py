"""The payload log in parts, so that a log that is larger than the memory can be read."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .frames import SHADOW, UNIQUE, facts_of, frame_of, read_parquet
from .journals import (
    CLOCK,
    PARQUET,
    JournalRows,
    begun_at,
    may_begin_before,
    may_hold,
    read_journal,
    stem,
)
from .merging import compacted_files, replaced
from .quarantine import broken_files, problems, starts
from .request_ids import IDS, hashes_of, may_hold_any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

HOUR = 3600

RETRIED_SECONDS = 120.0
"""The gateway sends a request again within this time, if at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one file of the log. repeated: requests by version that were in an earlier file
    too, because the gateway had retried them. problem: why it cannot be read, else empty.
    """

    rows: pl.DataFrame
    repeated: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


def parts(
    folder: Path,
    since: datetime,
    until: datetime,
    *,
    ids: Sequence[str] | None = None,
    read: str = "",
) -> Iterator[Part]:
    """The rows that arrived from `since` until before `until`, as `scan` gives them, file by file
    and each once; one file is in memory at a time. ids: files that hold none of these request ids
    are left out, as far as that can be known without reading them. read: what `state` said before;
    files that are as they were then are left out too.

    The files come in the order of their names, which compaction keeps, so two calls give the same.
    Of a request that was sent again the row in the first of them counts, in the span of that row.
    A file that cannot be read is a part with a problem, and hides no other.
    """
    import polars as pl

    retried = timedelta(seconds=RETRIED_SECONDS)
    seen, before, after = _Seen(), since - retried, until + retried
    hashes = None if ids is None else hashes_of(ids)
    names = _file_names(folder, before, after)
    if read:
        changed = _changed(folder, since, read)
        names = [name for name in names if name in changed]
    for name in names:
        rows, problem = _read(folder, name, before, after, hashes)
        if problem:
            yield Part(rows=_nothing().drop(UNIQUE), problem=problem)
            continue
        if not rows.height:
            continue
        new = seen.note(rows.select(pl.struct(UNIQUE, "row").hash()).to_series().to_numpy())
        here = rows["ts"].is_between(since, until, closed="left").to_numpy()
        yield from _part(rows, new, here)
    for problem in problems(folder, before, until):
        yield Part(rows=_nothing().drop(UNIQUE), problem=problem)


def _part(rows: pl.DataFrame, new: np.ndarray, here: np.ndarray) -> Iterator[Part]:
    """The new rows of a file that are within the span, if there are any."""
    import polars as pl

    again = rows.filter(pl.Series(~new & here)).group_by("version").agg(pl.n_unique(UNIQUE))
    repeated = dict(sorted(again.iter_rows()))
    kept = rows.filter(pl.Series(new & here)).drop(UNIQUE)
    if kept.height or repeated:
        yield Part(rows=kept, repeated=repeated)


def _read(
    folder: Path, name: str, since: datetime, until: datetime, hashes: np.ndarray | None
) -> tuple[pl.DataFrame, str]:
    """The rows of a file, and why they cannot be read."""
    import polars as pl

    nothing = _nothing()
    try:
        if hashes is not None and not _may_hold_any(folder, name, hashes):
            return nothing, ""
        rows = _rows_of(folder, name, since, until)
        return rows.filter(~pl.col(SHADOW)).drop(SHADOW), ""
    except FileNotFoundError:
        late = name in replaced(folder)
        return nothing, f"{name} was merged with others while it was read." if late else ""
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        return nothing, f"{name}: {str(error)[:200]}"


def _nothing() -> pl.DataFrame:
    return frame_of(JournalRows()).drop(SHADOW)


def _may_hold_any(folder: Path, name: str, hashes: np.ndarray) -> bool:
    file = folder / PARQUET / f"{name}.parquet"
    return not file.exists() or may_hold_any(facts_of(file).get(IDS, ""), hashes)


def oldest(folder: Path) -> datetime | None:
    """When the oldest file of the log was begun; None without files."""
    begun = [
        begun_at(file.name)
        for file in (*folder.glob("*.jsonl*"), *(folder / PARQUET).glob("*.parquet"))
    ] + starts(folder)
    return datetime.fromtimestamp(min(begun), UTC) if begun else None


def hours(folder: Path, since: float, until: float) -> list[int]:
    """The hours of a span of time that the log may have rows of, by their start, in order. All are
    in seconds since 1970; the span may be any, the work is as long as the log.
    """
    found, slack = set[int](), CLOCK.total_seconds()
    journals = [*folder.glob("*.jsonl*")]  # first: a compacted file is there before they go
    for file in (*journals, *(folder / PARQUET).glob("*.parquet"), *broken_files(folder)):
        try:
            written = file.stat().st_mtime
        except FileNotFoundError:  # closed or compacted meanwhile
            written = time.time()
        first = max(begun_at(file.name) - slack, since) // HOUR
        last = min(written + slack, until) / HOUR
        found.update(range(int(first) * HOUR, math.ceil(last) * HOUR, HOUR))
    return sorted(found)


def state(folder: Path, since: datetime) -> str:
    """Names, sizes and times of the files that may hold rows from `since` on, as `parts` reads
    them: another text for other rows.
    """
    after, noted = since - timedelta(seconds=RETRIED_SECONDS), []
    journals = (*folder.glob("*.jsonl"), *folder.glob("*.jsonl.open"))
    kept = sorted(item for item in journals if may_hold(item, after))
    for file in (*kept, *compacted_files(folder, after)):
        with contextlib.suppress(FileNotFoundError):  # closed, compacted or removed meanwhile
            found = file.stat()
            noted.append(f"{file.name} {found.st_size} {found.st_mtime_ns}")
    return "\n".join(noted)


def _changed(folder: Path, since: datetime, before: str) -> set[str]:
    """The names of files that have come or changed since `state` said this of them."""
    lines = set(state(folder, since).splitlines()) - set(before.splitlines())
    return {stem(Path(line.rsplit(" ", 2)[0])).removesuffix(".parquet") for line in lines}


class _Seen:
    """The rows that were seen so far, as 64-bit hashes in sorted runs, of which each is at least
    twice as long as the next: two rows of 100 million are taken for one with a chance of 1 : 3,000.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def note(self, keys: np.ndarray) -> np.ndarray:
        """Note these rows; returns which of them are seen for the first time."""
        import numpy as np

        new = np.zeros(len(keys), bool)
        new[np.unique(keys, return_index=True)[1]] = True
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            new &= run[at] != keys
        run = np.sort(keys[new])
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)
        return new


def _file_names(folder: Path, since: datetime, until: datetime) -> list[str]:
    """The journals that may hold rows of a time, compacted or not, by name."""
    files = (*folder.glob("*.jsonl"), *folder.glob("*.jsonl.open"))
    found = {stem(file) for file in files if may_hold(file, since)} - replaced(folder)
    found |= {file.stem for file in compacted_files(folder, since)}
    return sorted(name for name in found if may_begin_before(name, until))


def _rows_of(folder: Path, name: str, since: datetime, until: datetime) -> pl.DataFrame:
    """The rows of a journal from its Parquet file, else from itself. While it is compacted or
    closed it changes its name: it is looked for again.
    """
    import polars as pl

    wanted = pl.col("ts").is_between(since, until, closed="left")
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            if (file := folder / PARQUET / f"{name}.parquet").exists():
                return read_parquet(file, wanted)
            for ending in (".jsonl.open", ".jsonl"):
                if (file := folder / f"{name}{ending}").exists():
                    return frame_of(read_journal(file)).filter(wanted)
    raise FileNotFoundError(name)  # too old, and removed, or merged
