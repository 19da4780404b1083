"""A separate process that drives a run or a backfill: `python -m jupyter_mlinfra.pipelines.driver
RUN`.

It outlives the process that started it. Killing it does no harm: `resume` continues where it was,
and the same backfill skips what is done.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from ..core.errors import Conflict, MLInfraError
from .spec import PipelineRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the run; 0 if it could be driven to an end, whichever that is."""
    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.pipelines.driver", description="Drive one pipeline run to its end."
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("run", nargs="?", help="id of the run")
    task.add_argument("--backfill", metavar="JSON", help="what the verb `backfill` is given")
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument(
        "--open", required=True, help="module:function that opens a project and has `.pipelines`"
    )
    options = parser.parse_args(arguments)
    module, _, function = options.open.partition(":")
    try:
        pipelines = getattr(import_module(module), function)(options.project).pipelines
        if options.backfill is not None:
            pipelines.backfill(**json.loads(options.backfill), on_run=_print_run)
        else:
            _print_run(pipelines.drive(options.run))
    except Conflict as error:  # another driver has it
        sys.stderr.write(f"{error}\n")
        return 0
    except MLInfraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _print_run(run: PipelineRun) -> None:
    sys.stderr.write(
        f"run {run.run} of {run.pipeline}{f' for {run.date}' if run.date else ''}: {run.state}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
