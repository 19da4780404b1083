"""The process that drives a run of its own: `python -m jupyter_mlinfra.pipelines.driver RUN`.

It outlives whoever started it. It is killed without harm: `resume` goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ..core.errors import Conflict, MLInfraError


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the run; 0 when it could be driven to an end, whichever that is."""
    parser = argparse.ArgumentParser(prog="jupyter_mlinfra.pipelines.driver", description="Drive one pipeline run to its end.")
    parser.add_argument("run", help="id of the run")
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument("--open", required=True, help="module:function that opens a project and has `.pipelines`")
    given = parser.parse_args(arguments)
    module, _, function = given.open.partition(":")
    try:
        run = getattr(import_module(module), function)(given.project).pipelines.drive(given.run)
    except Conflict as error:  # somebody else drives it
        sys.stderr.write(f"{error}\n")
        return 0
    except MLInfraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"run {run.run} of {run.pipeline}: {run.state}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
