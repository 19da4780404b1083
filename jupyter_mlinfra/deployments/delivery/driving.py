"""What the alarm of the plans starts: `python -m jupyter_mlinfra.deployments.delivery.driving`. It
looks at every plan once, sets the next alarm, and ends.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ...core.errors import Conflict, MLInfraError
from ...core.records import now, to_json


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all plans were looked at, or another process is doing so now."""
    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.deployments.delivery.driving",
        description="Take the steps of progressive delivery that are due.",
    )
    parser.add_argument("--project", required=True, help="root of the project")
    parser.add_argument(
        "--open", required=True, help="module:function that opens a project and has `.deployments`"
    )
    options = parser.parse_args(arguments)
    module, _, function = options.open.partition(":")
    try:
        getattr(import_module(module), function)(options.project).deployments.drive(_say)
    except Conflict:  # another process looks at them
        return 0
    except MLInfraError as error:
        _say(f"no plan was looked at: {error}")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{to_json(now())} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
