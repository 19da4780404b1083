"""What it costs to record the payload log of a deployment: sketches and points, hour by hour.

    python benchmarks/recording.py [--rows 500000] [--times 10] [--hour 1000000]

30 inputs (20 numbers, 10 texts with up to 20 levels) with a reference, in Parquet files of 100,000
rows, one hour for each million unless told otherwise. Each size is a process of its own. Measured:
processor time and the growth of the peak of memory (Linux) from when the libraries are loaded. The
second size has so many times the rows; its cost may be at most 1.2 times as much more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from jupyter_mlinfra.monitoring.references import profiles as references

FILE_ROWS = 100_000
START = 1_795_507_200  # 2026-11-24, 08:00 UTC
NUMBERS, TEXTS = 20, 10
LEVELS = [[f"level {level}" for level in range(2 + 2 * number)] for number in range(TEXTS)]
NAMES = [f"n{number}" for number in range(NUMBERS)] + [f"c{number}" for number in range(TEXTS)]
CATEGORIES: list[list[str]] = [[] for _ in range(NUMBERS)] + LEVELS
RECORD = """
import json, resource, sys, time
from pathlib import Path
import numpy, polars, scipy.special
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.payload_log import parts
from jupyter_mlinfra.monitoring import references
from jupyter_mlinfra.monitoring.hours.recording import Plan, Recorder
from jupyter_mlinfra.monitoring.hours.series import SeriesStore
from jupyter_mlinfra.monitoring.store import MonitorStore

root = Path(sys.argv[1])
project = Project(root)

class Log:
    def payload_parts(self, name, *, since, until, ids=None):
        return parts.parts(root / "log", since, until, ids=ids)
    def payload_hours(self, name, *, since, until):
        return parts.hours(root / "log", since, until)
    def payloads_since(self, name):
        return parts.oldest(root / "log")

MonitorStore(project.database).add("m", "m", "ana")
reference = references.load(project, "m/1")
plan = Plan(deployment="m", segments=json.loads(sys.argv[2]), answers="values",
    reference=lambda version: reference, digest=lambda version: "1")
recorder = Recorder(SeriesStore(project), Log())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began, wall = time.process_time(), time.perf_counter()
rows = sum(recorder.record("m", plan, hour).rows
    for hour in recorder.missing("m", plan, now=2e9)[:int(sys.argv[3])])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
size = sum(f.stat().st_size for f in project.folder("monitoring", "series").rglob("*.parquet"))
spent = time.process_time() - began, time.perf_counter() - wall
print(json.dumps([rows, *spent, grown / 1024, size]))
"""


def log(root: Path, rows: int, hour_rows: int) -> int:
    """Write a payload log; returns how many hours it has."""
    (root / "mlinfra.toml").write_text("")
    folder = root / "log" / "parquet"
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number in range(rows // FILE_ROWS):
        begun = START + number * FILE_ROWS / hour_rows * 3600
        ids = pl.Series([f"{number:08d}-"] * FILE_ROWS) + pl.int_range(FILE_ROWS, eager=True).cast(
            pl.String
        )
        inputs = np.hstack(
            [
                random.normal(size=(FILE_ROWS, NUMBERS)),
                *(random.integers(0, len(levels), (FILE_ROWS, 1)) for levels in LEVELS),
            ]
        )
        moments = (begun + np.arange(FILE_ROWS) / hour_rows * 3600) * 1e6
        pl.DataFrame(
            {
                "request_id": ids,
                ".unique": ids,
                "row": pl.Series(np.zeros(FILE_ROWS), dtype=pl.Int32),
                "ts": pl.Series(moments.astype(np.int64)).cast(pl.Datetime("us", "UTC")),
                "deployment": pl.Series(["m"] * FILE_ROWS),
                "version": pl.Series(["v1"] * FILE_ROWS),
                "status": pl.Series(np.full(FILE_ROWS, 200), dtype=pl.Int16),
                "latency_ms": pl.Series(random.gamma(2, 2, FILE_ROWS)),
                "predictions": pl.Series(random.random((FILE_ROWS, 1))).cast(pl.List(pl.Float64)),
                "inputs": pl.Series(inputs).cast(pl.List(pl.Float64)),
                "what": pl.Series([None] * FILE_ROWS, dtype=pl.String),
                "request": pl.Series([None] * FILE_ROWS, dtype=pl.String),
            }
        ).write_parquet(
            folder / f"v1-{int(begun * 1e6)}-7.parquet",
            compression="zstd",
            metadata={"names": json.dumps(NAMES), "categories": json.dumps(CATEGORIES)},
        )
    return -(-rows // hour_rows)


def reference(root: Path) -> None:
    """The reference of the version."""
    from jupyter_mlinfra.core.project import Project

    random = np.random.default_rng(2)
    columns: dict[str, object] = {
        f"n{number}": random.normal(size=50_000) for number in range(NUMBERS)
    }
    columns |= {f"c{number}": random.choice(levels, 50_000) for number, levels in enumerate(LEVELS)}
    made = references.make("m/1", pl.DataFrame(columns), random.random(50_000).tolist())
    references.save(Project(root), made)


def measure(rows: int, hour_rows: int, segments: list[str]) -> float:
    """Print one line; returns the CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        hours = log(root, rows, hour_rows)
        reference(root)
        done = subprocess.run(
            [sys.executable, "-c", RECORD, folder, json.dumps(segments), str(hours)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        found, seconds, wall, grown, size = json.loads(done.stdout.splitlines()[-1])
    print(
        f"  {found:12,} rows, segments of {len(segments)} columns: {seconds:7.1f} CPU s,"
        f" {wall:7.1f} s, +{grown:,.0f} MiB, {size / hours / 1024:,.0f} KiB an hour on disk"
    )
    return float(seconds)


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--hour", type=int, default=1_000_000, help="rows in an hour")
    options = parser.parse_args()
    for segments in ([], ["c1"]):
        one, many = (
            measure(options.rows * times, options.hour, segments) for times in (1, options.times)
        )
        print(f"  {options.times} times the rows cost {many / one:.1f} times as much")


if __name__ == "__main__":
    main()
