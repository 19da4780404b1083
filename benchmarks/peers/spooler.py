"""task-spooler, with a queue of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import Absent


class Spooler:
    """A task-spooler with two slots."""

    def __init__(self, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "TS_SOCKET": str(folder / "tsp.sock"),
            "TS_SLOTS": "2",
            "TMPDIR": str(folder),
        }

    def run(self, *words: str) -> None:
        """One call of `tsp`."""
        subprocess.run(["tsp", *words], env=self._environment, check=True, capture_output=True)


@contextmanager
def spooler(folder: Path) -> Iterator[Spooler]:
    """Running. Raises Absent."""
    if not shutil.which("tsp"):
        raise Absent("tsp is not installed: apt-get install task-spooler")
    found = Spooler(folder)
    try:
        yield found
    finally:
        found.run("-K")
