"""What a profile of a large table costs, against DuckDB's SUMMARIZE; and its first page.

    python benchmarks/catalog_profile.py [--rows 10000000] [--rounds 3]

A table of 20 columns: ids, numbers, prices, words, dates, flags, each with its own number of
distinct values. CPU seconds of the process, with all threads, since wall time is noise on a busy
machine; the median of the rounds, in which all take turns. SUMMARIZE gives approximate quartiles of
all rows where the profile takes its quantiles from a labelled sample, so beside it stands DuckDB
with equal content: rows, nulls, approximate distinct, min, max, mean and standard deviation.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

_BLOCK = 1_000_000
_TABLE = "bench.rows"


def rows_of(start: int, count: int) -> pl.DataFrame:
    """Rows `start` to `start + count` of the table."""
    chance = np.random.default_rng(start)
    columns: dict[str, object] = {"id": np.arange(start, start + count)}
    columns |= {f"normal_{n}": chance.normal(n, 1 + n, count) for n in range(6)}
    columns |= {f"skewed_{n}": chance.lognormal(n, 1, count) for n in range(2)}
    columns |= {
        "cents": chance.integers(0, 500_000, count) / 100,
        "delay": chance.integers(-60, 1400, count).astype(np.int32),
        "hour": chance.integers(0, 24, count).astype(np.int32),
        "key": chance.integers(0, 2_000_000, count),
        "flag": chance.random(count) < 0.2,
    }
    places = pl.Series(chance.integers(0, 400, count))
    users = pl.Series(chance.integers(0, 300_000, count))
    days = pl.Series(chance.integers(15_000, 20_000, count), dtype=pl.Int32)
    moments = pl.Series(chance.integers(15 * 10**14, 17 * 10**14, count))
    return pl.DataFrame(columns).with_columns(
        place=pl.lit("place ") + places.cast(pl.String),
        user=pl.lit("user-") + users.cast(pl.String),
        day=days.cast(pl.Date),
        at=moments.cast(pl.Datetime("us")),
        often_null=pl.when(pl.col("hour") > 3).then(pl.col("normal_0")),
        state=pl.Series(chance.choice(["new", "open", "done"], count)),
    )


def measured(action: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds and wall seconds of an action."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def equal_content(columns: dict[str, str]) -> str:
    """What the profile says of all rows, in DuckDB's words."""
    figures = ["count(*)"]
    for name, kind in columns.items():
        figures += [f'count("{name}")', f'approx_count_distinct("{name}")']
        if kind != "bool":
            figures += [f'min("{name}")', f'max("{name}")']
        if kind in ("i32", "i64", "f64"):
            figures += [f'avg("{name}")', f'stddev_samp("{name}")']
    return f"SELECT {', '.join(figures)} FROM rows"


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        root = Path(folder)
        (root / "mlinfra.toml").write_text("")
        catalog = Catalog(Project.open(root))
        (root / "raw").mkdir()
        for start in range(0, options.rows, _BLOCK):
            count = min(_BLOCK, options.rows - start)
            rows_of(start, count).write_parquet(root / "raw" / f"{start:012}.parquet")
        catalog.write(pl.scan_parquet(root / "raw" / "*.parquet"), into=_TABLE)
        shutil.rmtree(root / "raw")
        found = run(catalog, root, options.rows, options.rounds)
    for name, taken in found.items():
        cpu, wall = (statistics.median(part) for part in zip(*taken, strict=True))
        least = min(part[0] for part in taken)
        print(f"{name:45s} {cpu:8.3f} s CPU (from {least:.3f})  {wall:8.3f} s wall")


def run(
    catalog: Catalog, root: Path, rows: int, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """CPU and wall seconds of each round, by what was measured."""
    files = [str(path) for path in root.glob(".mlinfra/warehouse/**/*.parquet")]
    columns = {item.name: item.type for item in catalog.show(_TABLE).schema}
    oracle = duckdb.connect()
    oracle.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet({files})")
    found: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, action: Callable[[], object]) -> None:
        found.setdefault(name, []).append(measured(action))

    def forget(*folders: str) -> None:
        for folder in folders:
            shutil.rmtree(root / ".mlinfra" / folder, ignore_errors=True)

    catalog.preview(_TABLE, start=0, count=100)
    catalog.profile(_TABLE, tier="footer")  # libraries are loaded
    for turn in range(rounds):
        forget("profiles", "sketches")
        note("profile, footer", lambda: catalog.profile(_TABLE, tier="footer"))
        note("profile, sample", lambda: catalog.profile(_TABLE, tier="sample"))
        note("profile, exact, first", lambda: catalog.profile(_TABLE, tier="exact"))
        note("DuckDB SUMMARIZE", lambda: oracle.execute("SUMMARIZE rows").fetchall())
        note("DuckDB, equal content", lambda: oracle.execute(equal_content(columns)).fetchall())
        catalog.write(rows_of(rows + turn * _BLOCK, rows // 100), into=_TABLE)
        note("profile, exact, after 1 % more rows", lambda: catalog.profile(_TABLE, tier="exact"))
        note("first 100 rows", lambda: catalog.preview(_TABLE, start=0, count=100))
        note("100 rows at the end", lambda: catalog.preview(_TABLE, start=rows - 100, count=100))
    return found


if __name__ == "__main__":
    main()
