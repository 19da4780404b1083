"""What the alarm starts: `python -m jupyter_mlinfra.pipelines.schedules.ring`. It looks at the
schedules once, and ends.

It is killed without harm: what it has not done is done by the next one, what it has done is not
done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ...core.errors import Conflict, MLInfraError


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was looked at, or another does so just now."""
    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.pipelines.schedules.ring",
        description="Start what the schedules of a project are due for.",
    )
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument(
        "--open", required=True, help="module:function that opens a project and has `.schedules`"
    )
    given = parser.parse_args(arguments)
    module, _, function = given.open.partition(":")
    try:
        getattr(import_module(module), function)(given.project).schedules.ring()
    except Conflict:  # another ring is under way, which sets the alarm
        return 0
    except MLInfraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
