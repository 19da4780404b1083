"""The newest copies that shadows have answered, and what was given to the same requests."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .frames import SHADOW, UNIQUE, answers_of, list_frame
from .journals import PARQUET, JournalRows, begun_at, may_hold, read_journal
from .parts import RETRIED_SECONDS, _file_names

if TYPE_CHECKING:
    import polars as pl


def copied_rows(
    folder: Path, versions: Sequence[str], *, since: datetime, until: datetime, most: int
) -> pl.DataFrame:
    """Of each shadow the newest copies that arrived from `since` until before `until`, at most
    `most` rows, and what was given to these requests, as `every_row` gives them but without inputs.
    Beside them one file is in memory at a time.
    """
    import polars as pl

    copies = pl.concat(
        [nothing(), *(_newest(folder, version, since, until, most) for version in versions)],
        how="diagonal_relaxed",
    )
    first, last = copies["ts"].min(), copies["ts"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return copies
    slack = timedelta(seconds=RETRIED_SECONDS)
    since, until = first - slack, last + slack
    asked = pl.col(UNIQUE).is_in(copies[UNIQUE].unique().to_list())
    within = pl.col("ts").is_between(since, until, closed="left")
    given = [
        _read(folder, name, since, within & asked & ~pl.col(SHADOW))
        for name in _file_names(folder, since, until)
    ]
    return pl.concat([copies, *given], how="diagonal_relaxed")


def nothing() -> pl.DataFrame:
    """No rows."""
    import polars as pl

    return answers_of(list_frame(JournalRows()).lazy(), pl.lit(value=True))


def _newest(
    folder: Path, version: str, since: datetime, until: datetime, most: int
) -> pl.DataFrame:
    """The newest copies of one shadow. Once there are enough, files that end before them are not
    opened.
    """
    import polars as pl

    found = nothing()
    names = [
        name
        for name in _file_names(folder, since, until)
        if name.partition("-")[0] == version  # a file is of one version
    ]
    for name in sorted(names, key=begun_at, reverse=True):
        wanted = pl.col("ts").is_between(since, until, closed="left") & pl.col(SHADOW)
        newest = _read(folder, name, since, wanted, newest=most)
        found = pl.concat([found, newest], how="diagonal_relaxed").top_k(most, by="ts")
        oldest = found["ts"].min()
        if found.height == most and isinstance(oldest, datetime):
            since = oldest
    return found


def _read(
    folder: Path, name: str, since: datetime, wanted: pl.Expr, *, newest: int | None = None
) -> pl.DataFrame:
    """The answers in a file of the log, compacted or not; none if it ended before `since`, was
    removed meanwhile or cannot be read. It changes its name while it is closed or compacted.
    """
    import polars as pl

    places = (folder / PARQUET / f"{name}.parquet", folder / f"{name}.jsonl.open")
    with contextlib.suppress(OSError, ValueError, pl.exceptions.PolarsError):
        for file in (*places, folder / f"{name}.jsonl", *places):
            with contextlib.suppress(FileNotFoundError):
                if not file.exists():
                    continue
                if not may_hold(file, since):
                    break
                compacted = file.suffix == ".parquet"
                rows = pl.scan_parquet(file) if compacted else list_frame(read_journal(file)).lazy()
                return answers_of(rows, wanted, newest=newest)
    return nothing()
