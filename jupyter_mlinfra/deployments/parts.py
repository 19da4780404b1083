"""The payload log in parts, so that a log that is larger than the memory can be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .payloads import (
    _PARQUET,
    _SHADOW,
    UNIQUE,
    _compacted,
    _frame,
    _from_parquet,
    _may_hold,
    _read_journal,
    _Rows,
    _stem,
)

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

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


def parts(folder: Path, since: datetime, until: datetime) -> Iterator[Part]:
    """The rows that arrived from `since` until before `until`, as `scan` gives them, file by file
    and each once; one file is in memory at a time.

    The files come in the order of their names, which compaction keeps, so two calls give the same.
    A file that cannot be read is a part with a problem, and hides no other.
    """
    import polars as pl

    seen, before = _Seen(), since - timedelta(seconds=RETRIED_SECONDS)
    for name in _file_names(folder, before, until):
        try:
            rows = _rows_of(folder, name, before, until)
            rows = rows.filter(~pl.col(_SHADOW)).drop(_SHADOW)
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            yield Part(
                rows=_frame(_Rows()).drop(UNIQUE, _SHADOW), problem=f"{name}: {str(error)[:200]}"
            )
            continue
        if not rows.height:
            continue
        new = seen.note(rows.select(pl.struct(UNIQUE, "row").hash()).to_series().to_numpy())
        here = (rows["ts"] >= since).to_numpy()
        again = rows.filter(pl.Series(~new & here)).group_by("version").agg(pl.n_unique(UNIQUE))
        repeated = dict(sorted(again.iter_rows()))
        kept = rows.filter(pl.Series(new & here)).drop(UNIQUE)
        if kept.height or repeated:
            yield Part(rows=kept, repeated=repeated)


def oldest(folder: Path) -> datetime | None:
    """When the oldest file of the log was begun; None without files."""
    begun = [
        _begun_at(file.name)
        for file in (*folder.glob("*.jsonl*"), *(folder / _PARQUET).glob("*.parquet"))
    ]
    return datetime.fromtimestamp(min(begun), UTC) if begun else None


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
    found = {_stem(file) for file in files if _may_hold(file, since)}
    found |= {file.stem for file in _compacted(folder, since)}
    return sorted(name for name in found if _begun_at(name) < until.timestamp() + RETRIED_SECONDS)


def _rows_of(folder: Path, name: str, since: datetime, until: datetime) -> pl.DataFrame:
    """The rows of a journal from its Parquet file, else from itself. While it is compacted or
    closed it changes its name: it is looked for again.
    """
    import polars as pl

    wanted = pl.col("ts").is_between(since, until, closed="left")
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            if (file := folder / _PARQUET / f"{name}.parquet").exists():
                return _from_parquet(file, wanted)
            for ending in (".jsonl.open", ".jsonl"):
                if (file := folder / f"{name}{ending}").exists():
                    return _frame(_read_journal(file)).filter(wanted)
    return _frame(_Rows())  # too old, and removed


def _begun_at(name: str) -> float:
    """When a journal was begun, from its name, in seconds since 1970; 0 if it does not say."""
    try:
        return int(name.partition(".")[0].split("-")[-2]) / 1e6
    except (ValueError, IndexError):
        return 0.0
