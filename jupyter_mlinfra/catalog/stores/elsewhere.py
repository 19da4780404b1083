"""Tables whose files were written for another folder: the project was moved, or copied."""

from __future__ import annotations

import os
from pathlib import Path

from ...core.errors import Conflict
from .tiers import plain

_WAREHOUSE = "/warehouse/"


def former_home(location: str, home: Path) -> str | None:
    """The folder of the project's state for which a file of a table was written, if that is another
    one and the file is in `home` too. location: as the catalog has it.
    """
    path = plain(location)
    if path.startswith(f"{home}/") or "://" in path:
        return None
    start = path.find(_WAREHOUSE)
    while start >= 0:
        former, below = path[:start], path[start + 1 :]
        if (home / below).is_file():
            is_same = os.path.exists(former) and os.path.samefile(former, home)
            return None if is_same else former
        start = path.find(_WAREHOUSE, start + 1)
    return None


def check_here(name: str, location: str, home: Path) -> None:
    """Raise Conflict for a table that was written for another folder: reading and writing would
    reach the files there.
    """
    former = former_home(location, home)
    if former is not None:
        raise Conflict(
            f"{name} still names its files in {former}.",
            "The project was moved or copied, and Iceberg's paths are absolute.",
            "Let the tables of this copy name the files of this copy: mlinfra catalog relocate",
        )
