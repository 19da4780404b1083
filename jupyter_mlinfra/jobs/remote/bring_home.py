"""Outboxes of jobs are collected before the jobs are reported as ended.

The collecting program knows experiments, which this package must not import: only its name is known
here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection

from ...core.outbox import is_at_home
from ..attempt.files import outbox_of
from ..backends.launch import Place

PROGRAM = "jupyter_mlinfra.experiments.homecoming"
WAIT_SECONDS = 300.0
"""How long the end of a job waits for that."""
TRIES = 3
TOGETHER = 100
"""How many outboxes one process collects: starting one costs seconds."""


class Homecoming:
    """The outboxes of one project, collected by one process at a time. unfinished:

    returns the jobs that have not ended. Their outboxes are not touched before their end is seen.
    """

    def __init__(self, place: Place, unfinished: Callable[[], Collection[str]]) -> None:
        self._place, self._unfinished = place, unfinished
        self._process: subprocess.Popen[bytes] | None = None
        self._under_way: list[str] = []
        self._tries = dict[str, int]()
        self._ended = dict[str, float]()
        # What an earlier follower did not collect.
        self._uncollected = [
            folder.parent.name
            for folder in (place.home / "jobs").glob("*/outbox")
            if not is_at_home(folder)
        ]

    def is_done(self, job: str) -> bool:
        """Whether everything that a job left has been collected, or is no longer waited for.
        Otherwise it is being collected; ask again.
        """
        if is_at_home(outbox_of(self._place.home, job)):
            self._ended.pop(job, None)
            return True
        if job not in self._ended:
            self._ended[job] = time.monotonic()
            self._tries.pop(job, None)
        return (
            self._tries.get(job, 0) >= TRIES or time.monotonic() - self._ended[job] > WAIT_SECONDS
        )

    def forget(self, job: str, *, remove: bool) -> None:
        """The attempt has ended. remove: its files are not needed for another one. What has not
        been collected stays for the next follower.
        """
        self._ended.pop(job, None)
        self._tries.pop(job, None)
        folder = outbox_of(self._place.home, job)
        if remove and is_at_home(folder):
            shutil.rmtree(folder, ignore_errors=True)

    def tend(self) -> None:
        """Start the collecting process, once a round."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            for job in self._under_way:
                if is_at_home(outbox_of(self._place.home, job)):
                    self._ended.pop(job, None)
                elif job in self._ended or job in self._uncollected:
                    self._tries[job] = self._tries.get(job, 0) + 1
        self._under_way = [
            job
            for job in (*self._ended, *self._waiting_from_before())
            if self._tries.get(job, 0) < TRIES
        ][:TOGETHER]
        if self._under_way:
            folders = [str(outbox_of(self._place.home, job)) for job in self._under_way]
            command = [sys.executable, "-P", "-m", PROGRAM, str(self._place.root), *folders]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=os.sep
            )

    def _waiting_from_before(self) -> list[str]:
        """Among what an earlier follower left: a job that has not ended, or continues, is collected
        at its end.
        """
        if self._uncollected:
            busy = {*self._unfinished(), *self._ended}
            due = [
                job
                for job in self._uncollected
                if job not in busy and self._tries.get(job, 0) < TRIES
            ]
            self._uncollected = [
                job for job in due if not is_at_home(outbox_of(self._place.home, job))
            ]
        return self._uncollected
