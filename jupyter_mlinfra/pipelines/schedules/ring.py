"""What the alarm starts: `python -m jupyter_mlinfra.pipelines.schedules.ring`. It checks the
schedules once and ends.

Killing it does no harm: the next one does what is left, and nothing is done twice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ...core.errors import Conflict, MLInfraError


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if everything was checked, or another process is doing so."""
    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.pipelines.schedules.ring",
        description="Start what the schedules of a project are due for.",
    )
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument(
        "--open", required=True, help="module:function that opens a project and has `.schedules`"
    )
    options = parser.parse_args(arguments)
    module, _, function = options.open.partition(":")
    try:
        getattr(import_module(module), function)(options.project).schedules.ring()
    except Conflict:  # another process is checking, and will set the alarm
        return 0
    except MLInfraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
