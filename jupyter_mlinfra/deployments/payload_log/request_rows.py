"""The requests of one file of the payload log: when each came and how it ended, without its values.

Columns: .unique, ts, version, status, latency_ms. A request of several rows is one row here; copies
that shadows answered are left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .frames import SHADOW, UNIQUE
from .journals import PARQUET, read_journal

if TYPE_CHECKING:
    import polars as pl


def request_rows(
    folder: Path, name: str, since: datetime, until: datetime
) -> tuple[pl.DataFrame, str]:
    """Those that arrived from `since` until before `until`, and why the file cannot be read. While
    it is compacted or closed it changes its name: it is looked for again.
    """
    import polars as pl

    inside = pl.col("ts").is_between(since, until, closed="left")
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):
            try:
                if (file := folder / PARQUET / f"{name}.parquet").exists():
                    return _of_parquet(file, inside), ""
                for ending in (".jsonl.open", ".jsonl"):
                    if (file := folder / f"{name}{ending}").exists():
                        return _of_journal(file).filter(inside), ""
            except FileNotFoundError:
                raise
            except (OSError, ValueError, pl.exceptions.PolarsError) as error:
                return no_requests(), f"{name}: {str(error)[:200]}"
    return no_requests(), ""  # too old, and removed


def no_requests() -> pl.DataFrame:
    """None at all, in the same columns."""
    return _frame([], [], [], [], [])


def _of_parquet(file: Path, inside: pl.Expr) -> pl.DataFrame:
    import polars as pl

    logged = pl.scan_parquet(file)
    present = logged.collect_schema().names()  # an earlier version wrote fewer columns
    unique = UNIQUE if UNIQUE in present else "request_id"
    copy = pl.col(SHADOW) if SHADOW in present else pl.lit(value=False)
    return (
        logged.filter(pl.col("row") == 0, ~copy, inside)
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
