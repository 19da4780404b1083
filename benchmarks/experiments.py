"""Reading runs, against MLflow's own client on the same SQLite store, and the cost of a paired
bootstrap.

    python benchmarks/experiments.py [--runs 2000] [--rounds 5]

Runs of 20 metrics and 20 parameters. CPU of the process, median of the rounds; both take turns
within each, and their answers are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments
from jupyter_mlinfra.experiments.evaluation import bootstrap_difference

PAGE = 100
ROWS = 55_000


def cpu(action: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of processor time, and the answer."""
    start = time.process_time()
    answer = action()
    return (time.process_time() - start) * 1000, answer


def fill(experiments: Experiments, count: int) -> Any:
    """MLflow's client with an experiment of so many runs."""
    experiments.activate()
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client, random = MlflowClient(), np.random.default_rng(0)
    experiment = client.create_experiment("bench")
    for _ in range(count):
        run = client.create_run(experiment).info.run_id
        metrics = [
            Metric(f"m{number}", float(value), 0, 0)
            for number, value in enumerate(random.normal(size=20))
        ]
        client.log_batch(run, metrics, [Param(f"p{number}", str(number)) for number in range(20)])
        client.set_terminated(run)
    return client, experiment


def main() -> None:
    """Print the figures as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("mlinfra.toml").write_text("")
        experiments = Experiments(Project.open(folder))
        client, experiment = fill(experiments, options.runs)
        ours, theirs = [], []
        for _ in range(options.rounds):
            taken, page = cpu(lambda: experiments.runs("bench", sort="-metrics.m0", limit=PAGE))
            ours.append(taken)
            taken, runs = cpu(
                lambda: client.search_runs(
                    [experiment], order_by=["metrics.m0 DESC"], max_results=PAGE
                )
            )
            theirs.append(taken)
            assert [run.id for run in page.items] == [run.info.run_id for run in runs]
            assert page.total == options.runs
        a, b = statistics.median(ours), statistics.median(theirs)
        print(
            f"page of {PAGE} of {options.runs:,} runs by a metric: {a:.1f} ms CPU with the count of"
            f" all; MLflow's client {b:.1f} ms without; ratio {a / b:.2f}"
        )
    random = np.random.default_rng(0)
    y, first, second = random.integers(0, 2, ROWS), random.random(ROWS), random.random(ROWS)
    taken, _ = cpu(lambda: bootstrap_difference(y, first, second))
    print(f"paired bootstrap of AUC, {ROWS:,} rows, 1,000 resamples: {taken / 1000:.1f} s CPU")


if __name__ == "__main__":
    main()
