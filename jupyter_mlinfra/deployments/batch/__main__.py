"""The process of a batch job: `python -m jupyter_mlinfra.deployments.batch`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ...core.errors import MLInfraError
from ...core.variables import CHECKPOINTS
from ...jobs import REFUSED, SAVED, give_reason, preempt_signals, report
from .job import BatchJob
from .spec import BatchTask
from .target import Misfit


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the task; 0 once the target has its rows."""
    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.deployments.batch",
        description="Score a dataset. Started by `mlinfra deployments batch`.",
    )
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument(
        "--open", required=True, help="module:function that opens a project with its domains"
    )
    BatchTask.add_arguments(parser)
    options = parser.parse_args(arguments)
    for number in preempt_signals():
        # Every finished chunk is on disk already.
        signal.signal(number, lambda *_: sys.exit(SAVED))
    try:
        module, _, function = options.open.partition(":")
        bench = getattr(import_module(module), function)(options.project)
        job = BatchJob(
            BatchTask.of(options),
            project=bench.project,
            experiments=bench.experiments,
            catalog=bench.catalog,
            features=lambda: bench.features,
            folder=_folder(bench.project.home, options.key),
            report=_report,
        )
        scored = job.run()
    except MLInfraError as error:
        give_reason(str(error))
        sys.stderr.write(f"{error}\n")
        return REFUSED if isinstance(error, Misfit) else 1
    text = f"{scored.rows:,} rows in {options.into}, snapshot {scored.snapshot}"
    _report(1.0, f"{text}, {scored.refused:,} refused" if scored.refused else text)
    return 0


def _folder(home: Path, key: str) -> Path:
    """The job's own folder for what it keeps over attempts."""
    own = os.environ.get(CHECKPOINTS)
    return Path(own) if own else home / "deployments" / "batch" / key


def _report(fraction: float | None, text: str) -> None:
    report(fraction, text)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
