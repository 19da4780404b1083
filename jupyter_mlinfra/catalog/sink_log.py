"""The log that a stream of Spark keeps in the folder that it writes. Files that it does not name
are of attempts that failed: their rows are in others, too, and Spark does not read them.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..core.errors import Unprocessable

_LOG = "_spark_metadata"


def committed(folder: Path) -> set[str] | None:
    """The names of the files that a stream committed; None if none wrote there. Raises
    Unprocessable for a log that cannot be read.
    """
    log = folder / _LOG
    if not log.is_dir():
        return None
    found: dict[str, set[str]] = {"add": set(), "delete": set()}
    try:
        for part in log.iterdir():
            if part.name.removesuffix(".compact").isdecimal():
                for line in part.read_text().splitlines()[1:]:  # the first is its version
                    fact = json.loads(line)
                    found[fact["action"]].add(fact["path"].rpartition("/")[2])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Unprocessable(
            f"The log of a stream of Spark in {log} cannot be read.",
            f"{error}.",
            f"It says which files are whole. Without the folder {_LOG} all files are read.",
        ) from error
    return found["add"] - found["delete"]
