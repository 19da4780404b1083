"""Two tables compared by `mlinfra monitors compare` and by Evidently's preset, each with its HTML
report.

    python benchmarks/monitoring.py [--rows 1000000] [--rounds 3]

20 columns of numbers, five of them with heavy ties, and ten of texts with 2 to 182 levels. Each run
is a process of its own; both take turns within a round. Measured from when the libraries are
loaded: processor time of the process, and the growth of its peak of memory (Linux), reading the two
Parquet files included. Evidently has an environment of its own, because it needs an older pandas.
They do not compute the same: ours all of PSI, KS, Wasserstein, Jensen-Shannon, Hellinger and chi²,
Evidently one distance a column and richer charts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from peers import Absent, environment

EVIDENTLY = ("evidently==0.7.23", "pandas<3", "pyarrow")
MEASURED = """
import json, resource, sys, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
{work}
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([time.process_time() - began, grown / 1024]))
"""
OURS = MEASURED.format(
    imports="""
from pathlib import Path
import numpy, polars, scipy.special
from jupyter_mlinfra.monitoring.comparing.tables import compare_tables, open_file
from jupyter_mlinfra.monitoring.comparing.report import html_of
""",
    work="""
tables = [open_file(Path(name)) for name in ("reference.parquet", "current.parquet")]
compared = compare_tables(*tables, threshold=0.2)
Path("ours.html").write_text(html_of(compared, reference="reference", current="current"))
""",
)
THEIRS = MEASURED.format(
    imports="""
import pandas
from evidently import Report
from evidently.presets import DataDriftPreset
""",
    work="""
reference, current = (pandas.read_parquet(f"{name}.parquet") for name in ("reference", "current"))
Report([DataDriftPreset()]).run(current, reference).save_html("theirs.html")
""",
)


def generate(file: Path, rows: int, shift: float, seed: int) -> None:
    """A table; `shift` moves a third of its columns."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for number in range(15):
        columns[f"n{number}"] = rng.normal(shift * (number % 3 == 0), size=rows)
    for number in range(15, 20):
        columns[f"n{number}"] = np.round(rng.gamma(2, 1 + shift * (number % 3 == 0), rows), 1)
    for number in range(10):
        columns[f"c{number}"] = rng.choice(
            [f"level {level}" for level in range(2 + 20 * number)], rows
        )
    pl.DataFrame(columns).write_parquet(file)


def run(python: str | Path, program: str, folder: str) -> tuple[float, float]:
    """CPU seconds and MiB."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seconds, grown = json.loads(done.stdout.splitlines()[-1])
    return seconds, grown


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    contenders: dict[str, tuple[str | Path, str]] = {"ours": (sys.executable, OURS)}
    try:
        contenders["Evidently"] = (environment("evidently-0.7.23", EVIDENTLY), THEIRS)
    except Absent as absent:
        print(f"left out: {absent}")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder, "reference.parquet"), options.rows, 0.0, 0)
        generate(Path(folder, "current.parquet"), options.rows, 0.5, 1)
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                found[name].append(run(*contender, folder))
    print(f"{options.rows:,} + {options.rows:,} rows x 30 columns, median of {options.rounds}")
    medians = {
        name: [statistics.median(side) for side in zip(*runs, strict=True)]
        for name, runs in found.items()
    }
    for name, (seconds, grown) in medians.items():
        print(f"  {name:10s} {seconds:8.2f} CPU s   +{grown:,.0f} MiB")
    if "Evidently" in medians:
        ratios = [a[0] / b[0] for a, b in zip(found["Evidently"], found["ours"], strict=True)]
        memory = medians["ours"][1] / medians["Evidently"][1]
        more = statistics.median(ratios)
        print(f"  Evidently takes {more:.0f} times the CPU; ours {memory:.2f} of its memory")


if __name__ == "__main__":
    main()
