"""How far the random searches go: `make searches` tries ten times as much as `make test`."""

from __future__ import annotations

import os

FACTOR = int(os.environ.get("MLINFRA_SEARCHES", "1"))


def examples(number: int) -> int:
    """How many a search tries that tries so many in `make test`."""
    return number * FACTOR
