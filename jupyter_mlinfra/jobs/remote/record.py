"""Records jobs as the remote side shows them: their states, which attempts have begun, how one
ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial

from ...core.processes import failpoint
from ..attempt.environment import release
from ..attempt.files import Attempt
from ..backends.launch import Place
from ..queue.retention import Retention
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..spec import JobState
from ..state import Verdict, judge
from . import Sighting, Stage
from .backoff import Patience
from .batches import output_path
from .bring_home import Homecoming
from .guard_files import LIMIT, StartRecord, read_asked
from .outcome import ended
from .sending import first_attempt

LAG_SECONDS = 5.0
"""How long a file written by another machine may take to appear here, and a job of which nothing is
seen may still show up.
"""
LATER_SECONDS, LATER_LIMIT_SECONDS = 15.0, 600.0
"""Pause before a job is sent again that could not be sent, or did not begin; it doubles each time,
up to the second number.
"""


class Record:
    """Records the jobs of one backend. settled: whether a job ended since the last look."""

    def __init__(self, store: JobStore, place: Place, backend: str) -> None:
        self._store, self._place, self._backend = store, place, backend
        self._retention = Retention(store, place.root, place.home)
        self._homecoming = Homecoming(place, lambda: {entry.job.id for entry in store.unfinished()})
        self.later = Patience(LATER_SECONDS, LATER_LIMIT_SECONDS)
        self._missed = dict[str, float]()
        self._progress, self._reasons = dict[str, float](), dict[str, str]()
        self._unneeded = set[str]()
        self.settled = False

    def attempt(self, entry: JobEntry, number: int | None = None) -> Attempt:
        """The files of an attempt of a job; by default the first one with its present key."""
        return Attempt.of(
            self._place.home, entry.job.id, first_attempt(entry.token) if number is None else number
        )

    def explain(self, reasons: dict[str, str]) -> None:
        """Record why jobs wait, or why they are not seen; `tell` writes all at once."""
        self._reasons |= reasons

    def tell(self) -> None:
        """Write what was explained."""
        if self._reasons:
            self._store.explain(self._reasons)
            self._reasons = {}

    def early(self, token: str) -> bool:
        """Whether what is missing may still appear."""
        return time.monotonic() - self._missed.setdefault(token, time.monotonic()) < LAG_SECONDS

    def found(self, token: str) -> None:
        """It has appeared again."""
        self._missed.pop(token, None)

    def see(self, entry: JobEntry, sighting: Sighting) -> None:
        """Record one job as it is shown now."""
        if sighting.stage is Stage.UNKNOWN:
            self.explain({entry.job.id: sighting.reason})
            return
        # The exit code of an ended job may be missing for a moment.
        if sighting.stage is not Stage.ENDED:
            self.found(entry.token)
        if entry.remote != sighting.remote:
            self._store.sent({entry.job.id: sighting.remote})
        current = first_attempt(entry.token) + sighting.restarts
        if entry.job.state is not JobState.QUEUED and entry.job.attempt < current:
            if self._over_already(entry):
                # What is restarted has nothing left to do, and is a stray from now on.
                self.over(entry, None)
                return
            reason = (
                f"Its place was taken; {self._backend} starts it again."
                if not sighting.reason
                else f"Starts again: {sighting.reason}"
            )
            self._store.again(
                entry.job.id,
                reason=reason,
                exit_code=None,
                counted=False,
                delay=0.0,
                remote=sighting.remote,
            )
            entry = self._store.entry(entry.job.id)
        if sighting.stage is Stage.WAITING:
            if not entry.cancelled_by and not entry.job.held_by:
                self.explain({entry.job.id: sighting.reason or "Waits for its turn."})
            return
        begins = sighting.stage is Stage.RUNNING and entry.job.state is JobState.QUEUED
        if (
            begins
            and not StartRecord.read(self.attempt(entry, current)).node
            and self.early(f"{entry.token}+")
        ):
            return  # its guard is about to report where it runs, and on which GPUs
        if entry.job.state is JobState.QUEUED or sighting.stage is Stage.ENDED:
            entry = self.catch_up(entry, sighting, current)
        elif entry.job.reason != sighting.reason and not (entry.cancelled_by or entry.requeued_by):
            self.explain({entry.job.id: sighting.reason})
        if sighting.stage is Stage.ENDED:
            self.over(entry, sighting)
        else:
            self._tell_progress(entry, current)

    def _tell_progress(self, entry: JobEntry, number: int) -> None:
        """Progress events, which the notebook runner sends for local jobs: on a remote machine it
        must not open a database that this machine has open.
        """
        fraction, _ = self.attempt(entry, number).read_progress()
        if fraction is not None and self._progress.get(entry.job.id) != fraction:
            self._progress[entry.job.id] = fraction
            self._store.report_progress(entry.job.id, fraction)

    def _over_already(self, entry: JobEntry) -> bool:
        """Whether an attempt ended for good although the remote side restarts the job, as Slurm
        does with one that ends well while it gives way.
        """
        attempt = self.attempt(entry, entry.job.attempt)
        return attempt.exit_code() == 0 or read_asked(attempt) == LIMIT

    def catch_up(self, entry: JobEntry, sighting: Sighting | None, current: int) -> JobEntry:
        """Record attempts that have begun since the last look."""
        job = entry.job.id
        while entry.job.attempt < current:
            number = entry.job.attempt + 1
            attempt = self.attempt(entry, number)
            started_at = attempt.began_at()
            if started_at is None and (sighting is None or sighting.stage is Stage.ENDED):
                break  # it ended before its guard had begun
            entry = self._store.running_remotely(
                job,
                gpu_ids=StartRecord.read(attempt).gpu_ids,
                started_at=time.time() if started_at is None else started_at,
            )
            self.later.forget([job])
            failpoint("running")
            if self._over_already(entry):
                break
            if number < current:
                self._store.again(
                    job,
                    reason="Its place was taken.",
                    exit_code=None,
                    counted=False,
                    delay=0.0,
                    remote=entry.remote,
                )
                entry = self._store.entry(job)
        return entry

    def over(self, entry: JobEntry, sighting: Sighting | None) -> None:
        """The attempt has ended: judge it, once its exit code is here."""
        job = entry.job
        attempt = self.attempt(entry, max(job.attempt, first_attempt(entry.token)))
        if (
            attempt.exit_code() is None
            and (sighting is None or sighting.asked is None)
            and self.early(entry.token)
        ):
            return
        if not self._homecoming.is_done(job.id):
            return  # checked again: when the job's end is reported, its runs must be here
        failpoint("ended")
        verdict = judge(
            ended(entry, attempt, sighting),
            failures=entry.failures,
            retries=entry.spec.retries,
            requeues=entry.requeues,
        )
        self._record(entry, attempt, verdict)
        self._homecoming.forget(job.id, remove=verdict.state is JobState.SUCCEEDED)
        failpoint("settled")
        self.forget(entry)

    def _record(self, entry: JobEntry, attempt: Attempt, verdict: Verdict) -> None:
        job = entry.job
        if verdict.state is JobState.QUEUED and job.state is JobState.QUEUED:
            self._store.unsent(
                [job.id],
                reason=verdict.reason,
                delay=max(verdict.delay, self.later.again(job.id)),
                counted=verdict.counted,
            )
        elif verdict.state is JobState.QUEUED:
            self._store.again(
                job.id,
                reason=verdict.reason,
                exit_code=verdict.exit_code,
                counted=verdict.counted,
                delay=verdict.delay,
            )
        else:
            state = (
                JobState.FAILED
                if verdict.state is JobState.LOST and job.state is JobState.QUEUED
                else verdict.state
            )
            if job.state is JobState.QUEUED and state is JobState.SUCCEEDED:
                self._store.running_remotely(job.id, gpu_ids=(), started_at=time.time())
            self._store.end(
                job.id,
                state,
                reason=verdict.reason,
                exit_code=verdict.exit_code,
                progress=attempt.read_progress(),
            )
            self.later.forget([job.id])

    def end_unstarted(
        self, entry: JobEntry, state: JobState, reason: str, code: int | None = None
    ) -> None:
        """A job that never began ends."""
        self._store.end(entry.job.id, state, reason=reason, exit_code=code)
        self.later.forget([entry.job.id])
        self.forget(entry)

    def forget(self, entry: JobEntry) -> None:
        """A job ended, or goes back into our queue."""
        for token in (entry.token, f"{entry.token}+"):
            self._missed.pop(token, None)
        with contextlib.suppress(OSError, ValueError):
            name, _, index = entry.token.split(".")
            output_path(self._place.home / "jobs", name, index).unlink(missing_ok=True)
        self._progress.pop(entry.job.id, None)
        self._retention.count()
        self._unneeded.add(entry.launch.environment)
        self.settled = True

    def tidy(self, beat: Callable[[], object]) -> None:
        """What is left to do for ended jobs, once a round. beat: called from time to time
        meanwhile.
        """
        for environment in self._unneeded:
            release(environment, needed=partial(self._store.needs, environment))
        self._unneeded.clear()
        self._homecoming.tend()
        self._retention.tidy(beat)
