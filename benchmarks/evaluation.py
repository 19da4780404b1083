"""What a round of the evaluation of a monitor costs, by the rows of its window.

    python benchmarks/evaluation.py [--rows 1000000 10000000] [--folder /tmp]

One deployment, one version, one row a request, spread over the 23 hours before now; 10 inputs
(seven numbers, three texts with 3 to 200 levels), a reference of 50,000 rows, half a percent of the
requests refused. The log is in merged Parquet files of the log's own format, about 115 bytes a row;
the filters of request ids among their facts have the right size and nothing in them. Each size has
a project of its own, in which two rounds follow each other, each in a process of its own: the first
evaluates the rules and records all hours, the second finds them recorded. A round is what the alarm
of the monitors starts, and only which answers the deployment gives is told here, because it was
never packaged. Measured: the peak of resident memory since the process began, as the kernel has it
(Linux), processor time and wall time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.payload_log.merging import ROW_GROUP
from jupyter_mlinfra.deployments.payload_log.request_ids import BITS, IDS
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.store import MonitorStore

FILE_ROWS = 250_000
HOURS = 23
NUMBERS = [f"n{number}" for number in range(7)]
LEVELS = {f"c{count}": [f"level {level}" for level in range(count)] for count in (3, 20, 200)}
REFUSED = 0.005
ROUND = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.experiments import Experiments
from jupyter_mlinfra.monitoring import Monitoring

class Packaged(Deployments):
    def show(self, name):
        return replace(super().show(name), answers="probabilities")

began = time.perf_counter()
project = Project(Path(sys.argv[1]))
experiments = Experiments(project)
monitoring = Monitoring(project, Packaged(project, experiments), experiments)
problems = []
monitoring.evaluate_all(problems.append)
assert not problems, problems
found = monitoring._store.show("m")
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "rows": found.rows.value, "worst": found.worst, "psi": float(found.worst_psi.value),
    "hours": len(monitoring._series.recorded("m")),
    "mib": int(status["VmHWM"].split()[0]) / 1024,
    "cpu": time.process_time(), "wall": time.perf_counter() - began,
}))
"""


def project_of(root: Path, rows: int) -> None:
    """A project with a deployment, its log, a reference and a monitor."""
    (root / "mlinfra.toml").write_text("")
    project = Project(root)
    DeploymentStore(project.database, project.name).begin(
        "m", "v1", target="local", model="m", number=1, workers=1
    )
    MonitorStore(project.database).add("m", "m", "ana")
    random = np.random.default_rng(1)
    known = {name: random.normal(size=50_000) for name in NUMBERS}
    texts = {name: random.choice(levels, 50_000) for name, levels in LEVELS.items()}
    made = references.make("m/1", pl.DataFrame(known | texts), random.random(50_000).tolist())
    references.save(project, made)
    folder = payload_folder(project, "m") / "parquet"
    folder.mkdir(parents=True)
    ends = time.time() - 60
    for first in range(0, rows, FILE_ROWS):
        count = min(FILE_ROWS, rows - first)
        moments = ends - HOURS * 3600 * (1 - (first + np.arange(count)) / rows)
        write(folder, moments, random)


def write(folder: Path, moments: np.ndarray, random: np.random.Generator) -> None:
    """One merged file of the log. moments: of its rows, in seconds since 1970."""
    rows = len(moments)
    refused = random.random(rows) < REFUSED
    inputs = np.hstack(
        [
            random.normal(0.1, 1, size=(rows, len(NUMBERS))),
            *(random.integers(0, len(levels), (rows, 1)) for levels in LEVELS.values()),
        ]
    )
    digits = np.frombuffer(random.bytes(16 * rows).hex().encode(), "S32").astype("U32")
    ids = pl.Series(digits.tolist())
    frame = pl.DataFrame(
        {
            "request_id": ids,
            ".unique": ids,
            "row": pl.repeat(0, rows, dtype=pl.Int32, eager=True),
            ".shadow": pl.repeat(value=False, n=rows, eager=True),
            "ts": pl.Series((moments * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC")),
            "deployment": pl.repeat("m", rows, eager=True),
            "version": pl.repeat("v1", rows, eager=True),
            "status": pl.Series(np.where(refused, 400, 200), dtype=pl.Int16),
            "latency_ms": pl.Series(random.gamma(2, 2, rows)),
            "predictions": pl.Series(random.random((rows, 1))).cast(pl.List(pl.Float64)),
            "labels": pl.Series([None] * rows, dtype=pl.List(pl.String)),
            "inputs": pl.Series(inputs).cast(pl.List(pl.Float64)),
            "texts": pl.Series([None] * rows, dtype=pl.List(pl.String)),
            "what": pl.repeat("Column n0 is missing.", rows, eager=True),
            "request": pl.repeat('{"data": {"ndarray": [[1.5, 2.5, 3.5]]}}', rows, eager=True),
        }
    )
    answered = pl.col("status") < 400
    frame = frame.with_columns(
        *(pl.when(answered).then(name).alias(name) for name in ("predictions", "inputs")),
        *(pl.when(~answered).then(name).alias(name) for name in ("what", "request")),
    )
    facts = {
        "names": json.dumps([*NUMBERS, *LEVELS]),
        "categories": json.dumps([*([] for _ in NUMBERS), *LEVELS.values()]),
        "types": "[]",
        "feedback": "[]",
        "replaces": "[]",
        IDS: "A" * (rows * BITS // 6),
    }
    frame.write_parquet(
        folder / f"v1-{int(moments[0] * 1e6)}-7-1.parquet",
        compression="zstd",
        metadata=facts,
        row_group_size=ROW_GROUP,
    )


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--folder", help="where the logs are written; removed afterwards")
    options = parser.parse_args()
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            project_of(Path(folder), rows)
            size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
            print(f"{rows:,} rows, {size / 2**30:.2f} GiB on disk", flush=True)
            for number in ("first", "second"):
                done = subprocess.run(
                    [sys.executable, "-c", ROUND, folder], capture_output=True, text=True
                )
                if done.returncode:
                    raise RuntimeError(done.stderr[-2000:])
                found = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"  {number} round: {found['mib']:,.0f} MiB, {found['cpu']:.1f} CPU s,"
                    f" {found['wall']:.1f} s; {found['rows']:,} answered rows,"
                    f" {found['hours']} hours, PSI {found['psi']:.4f} of {found['worst']}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
