"""What is kept of jobs that have ended: their entry and executed notebooks for good, logs and code of the newest."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .attempt import job_folder
from .environment import forget, runtime_folder
from .snapshot import Snapshots
from .store import JobStore

KEEP_JOBS = 500
"""Ended jobs whose logs and code are kept."""
KEEP_BYTES = 2 * 2**30
"""Logs of ended jobs together."""
EVERY = 50
"""Ended jobs between two looks."""


class Retention:
    """Tidies one project, now and then."""

    def __init__(self, store: JobStore, root: Path, home: Path) -> None:
        self._store, self._home = store, home
        self._snapshots = Snapshots(root, home, max_mib=0)
        self._ended = EVERY

    def count(self) -> None:
        """One more job has ended."""
        self._ended += 1

    def tidy(self) -> None:
        """Remove what is too old or too much, if it is time to look."""
        if self._ended < EVERY:
            return
        self._ended = 0
        unfinished = self._store.unfinished()
        forget(runtime_folder(self._home), jobs={entry.job.id for entry in unfinished}, environments={entry.launch.environment for entry in unfinished})
        known, room = set[str](), KEEP_BYTES
        # Older ones were stripped when they passed the limit.
        for place, (job, snapshot) in enumerate(self._store.ended(limit=KEEP_JOBS + 10 * EVERY)):
            folder = job_folder(self._home, job)
            room -= _log_bytes(folder)
            if place < KEEP_JOBS and room >= 0:
                known.add(snapshot or "")
            else:
                _strip(folder)
        self._snapshots.prune(running={entry.job.snapshot or "" for entry in unfinished}, known=known)


def _log_bytes(folder: Path) -> int:
    total = 0
    for log in folder.glob("*/log"):
        with contextlib.suppress(OSError):
            total += log.stat().st_size
    return total


def _strip(folder: Path) -> None:
    """Remove all but executed notebooks."""
    for path in folder.glob("*/*"):
        if path.suffix != ".ipynb" and path.is_file():
            path.unlink(missing_ok=True)
    for empty in (*folder.glob("*"), folder):
        with contextlib.suppress(OSError):
            empty.rmdir()
