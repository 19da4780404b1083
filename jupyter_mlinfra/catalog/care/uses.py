"""On how many days a dataset is read.

A reader appends one short line to a file, once an hour for each dataset; whoever asks brings the
lines into the database. So reading never waits for anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError

if TYPE_CHECKING:
    from ...core.project import Project

_DAY, _HOUR = 86_400, 3600
_FILE = "reads.jsonl"


class Uses:
    """The reads of one project's datasets."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.state.parent / "catalog"
        self._noted: dict[str, int] = {}

    def note(self, dataset: str) -> None:
        """A dataset is read. An error is no reason not to read it."""
        now = int(time.time())
        if self._noted.get(dataset, -1) == now // _HOUR:
            return
        self._noted[dataset] = now // _HOUR
        line = json.dumps([dataset, now // _DAY]).encode() + b"\n"
        with contextlib.suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            handle = os.open(self._folder / _FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)

    def days(self, dataset: str) -> tuple[list[int], int | None]:
        """The days on which it was read, since 1970, and the day since which reads of any dataset
        are counted.
        """
        self._bring()
        with self._project.database.read() as connection:
            found = connection.execute(
                "SELECT day FROM catalog_use WHERE dataset = ? ORDER BY day", (dataset,)
            ).fetchall()
            first = connection.execute("SELECT min(day) FROM catalog_use").fetchone()[0]
        return [row["day"] for row in found], first

    def _bring(self) -> None:
        """Bring the lines into the database. A file that a killed process has taken is brought by
        the next one.
        """
        file = self._folder / _FILE
        with contextlib.suppress(OSError):
            file.rename(file.with_name(f"{uuid.uuid4().hex}.reads"))
        for taken in self._folder.glob("*.reads"):
            with contextlib.suppress(MLInfraError, OSError):
                self._add(taken)

    def _add(self, taken: Path) -> None:
        counts: Counter[tuple[str, int]] = Counter()
        for line in taken.read_text().splitlines():
            with contextlib.suppress(ValueError):  # the last one may be torn
                dataset, day = json.loads(line)
                counts[str(dataset), int(day)] += 1
        with self._project.database.write() as connection:
            for (dataset, day), count in counts.items():
                connection.execute(
                    "INSERT INTO catalog_use (dataset, day, reads) VALUES (?, ?, ?)"
                    " ON CONFLICT (dataset, day) DO UPDATE SET reads = reads + excluded.reads",
                    (dataset, day, count),
                )
            taken.unlink()


def moment(day: int) -> datetime:
    """The beginning of a day since 1970."""
    return datetime.fromtimestamp(day * _DAY, UTC)


def today() -> int:
    """Days since 1970."""
    return int(time.time()) // _DAY
