"""What jobs have left in their outboxes is brought home before they are said to have ended.

What brings it knows experiments, of which this room knows nothing: a program, whose name is all that is known here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import islice

from ....core.outbox import is_at_home
from ...attempt import outbox_of
from ..launch import Place

PROGRAM = "jupyter_mlinfra.experiments.homecoming"
WAIT_SECONDS = 300.0
"""How long the end of a job waits for it."""
TRIES = 3
TOGETHER = 100
"""Outboxes that one process brings home: to start one costs seconds."""


class Homecoming:
    """The outboxes of one project: one process at a time brings home what waits."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._under_way: list[str] = []
        self._tries = dict[str, int]()
        # What an earlier follower did not bring home.
        left = [folder.parent.name for folder in (place.home / "jobs").glob("*/outbox") if not is_at_home(folder)]
        self._wanted = dict.fromkeys(left, time.monotonic())

    def is_done(self, job: str) -> bool:
        """Whether all that a job left is at home, or is not to be waited for any longer. Else it is brought; ask again."""
        if is_at_home(outbox_of(self._place.home, job)):
            self._wanted.pop(job, None)
            return True
        since = self._wanted.setdefault(job, time.monotonic())
        return self._tries.get(job, 0) >= TRIES or time.monotonic() - since > WAIT_SECONDS

    def forget(self, job: str, *, remove: bool) -> None:
        """The job has ended. remove: what it left is not needed for another attempt. What is not at home stays for the next follower."""
        self._wanted.pop(job, None)
        self._tries.pop(job, None)
        folder = outbox_of(self._place.home, job)
        if remove and is_at_home(folder):
            shutil.rmtree(folder, ignore_errors=True)

    def tend(self) -> None:
        """Start who brings home what waits, once a round."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            for job in self._under_way:
                if is_at_home(outbox_of(self._place.home, job)):
                    self._wanted.pop(job, None)
                else:
                    self._tries[job] = self._tries.get(job, 0) + 1
        self._under_way = list(islice((job for job in self._wanted if self._tries.get(job, 0) < TRIES), TOGETHER))
        if self._under_way:
            folders = [str(outbox_of(self._place.home, job)) for job in self._under_way]
            command = [sys.executable, "-P", "-m", PROGRAM, str(self._place.root), *folders]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=os.sep)
