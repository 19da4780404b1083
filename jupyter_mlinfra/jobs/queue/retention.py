"""What is kept of jobs that have ended: their entries and executed notebooks for ever, logs and
code of the newest.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from ...core.outbox import is_at_home
from ...core.runtime_folder import runtime_folder
from ..attempt.environment import forget
from ..attempt.files import job_folder
from ..attempt.log import cut_log
from ..code.own_files import beating
from ..code.snapshot import Snapshots
from .store import JobStore

KEEP_JOBS = 500
"""How many ended jobs keep their logs and code."""
KEEP_BYTES = 2 * 2**30
"""The total size of the logs of ended jobs."""
KEEP_NEWEST = 20
"""How many ended jobs keep their logs whatever the others need."""
LOG_BYTES = 64 * 2**20
"""If all logs together are too large, a log longer than this is cut to half of it, so that it does
not cost the others theirs.
"""
EVERY = 50
"""Ended jobs between two checks."""


class Retention:
    """Cleans up one project from time to time."""

    def __init__(self, store: JobStore, root: Path, home: Path) -> None:
        self._store, self._home = store, home
        self._snapshots = Snapshots(root, home, max_mib=0)
        self._ended = EVERY

    def count(self) -> None:
        """One more job has ended."""
        self._ended += 1

    def tidy(self, beat: Callable[[], object]) -> None:
        """Remove what is too old or too large, if it is time. beat: called before each piece,
        because a network share may be slow.
        """
        if self._ended < EVERY:
            return
        self._ended = 0
        unfinished = self._store.unfinished()
        forget(
            runtime_folder(self._home),
            jobs={entry.job.id for entry in unfinished},
            environments={entry.launch.environment for entry in unfinished},
        )
        # Older ones were stripped when they passed the limit.
        ended = self._store.ended(limit=KEEP_JOBS + 10 * EVERY)
        folders = [job_folder(self._home, job) for job, *_ in ended]
        sizes = [_log_bytes(folder) for folder in beating(folders, beat)]
        if sum(sizes) > KEEP_BYTES:
            sizes = [
                _cut(folder) if size > LOG_BYTES else size
                for folder, size in beating(zip(folders, sizes, strict=True), beat)
            ]
        snapshots, free_bytes = set[str](), KEEP_BYTES
        for position, (_, snapshot, succeeded) in enumerate(beating(ended, beat)):
            free_bytes -= sizes[position]
            if position < KEEP_NEWEST or (position < KEEP_JOBS and free_bytes >= 0):
                snapshots.add(snapshot or "")
            else:
                _strip(folders[position], checkpoints=succeeded)
        snapshots |= self._store.snapshots(limit=KEEP_JOBS)
        self._snapshots.prune(
            running={entry.job.snapshot or "" for entry in unfinished}, known=snapshots, beat=beat
        )


def _log_bytes(folder: Path) -> int:
    total = 0
    for log in folder.glob("[0-9]*/log"):
        with contextlib.suppress(OSError):
            total += log.stat().st_size
    return total


def _cut(folder: Path) -> int:
    """Cut the logs of a job to the end of its output; returns their size."""
    remaining = LOG_BYTES // 2
    for log in sorted(
        folder.glob("[0-9]*/log"), key=lambda path: int(path.parent.name), reverse=True
    ):
        with contextlib.suppress(OSError):
            size = log.stat().st_size
            if size > remaining:
                cut_log(log, keep=remaining)
            remaining = max(0, remaining - size)
    return _log_bytes(folder)


def _strip(folder: Path, *, checkpoints: bool) -> None:
    """Remove everything but executed notebooks and the checkpoints of jobs that may run again.
    checkpoints: remove those too.
    """
    if not folder.is_dir():
        return
    if is_at_home(folder / "outbox"):
        shutil.rmtree(folder / "outbox", ignore_errors=True)
    if checkpoints:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for path in folder.glob("[0-9]*/*"):
        if path.suffix != ".ipynb" and path.is_file():
            path.unlink(missing_ok=True)
    for empty in (*folder.glob("*"), folder):
        with contextlib.suppress(OSError):
            empty.rmdir()
