"""Requests to the remote side: to end jobs, to hold or release them, to change their priorities."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ...core.daemons.daemon import Faults
from ..queue.rows import JobEntry
from . import NotNow, Rejected, Remote, Sighting, Stage, Unreachable
from .guard_files import forget_hold, note_hold, read_hold
from .record import Record

AGAIN_SECONDS = 10.0
"""Seconds between two requests to end the same job."""


class Requests:
    """What is requested of one backend. call: calls the remote side, however slow it is."""

    def __init__(
        self,
        remote: Remote,
        record: Record,
        faults: Faults,
        *,
        backend: str,
        call: Callable[[Callable[[], None]], None],
    ) -> None:
        self._remote, self._record, self._faults = remote, record, faults
        self._backend, self._call = backend, call
        self._ended_at: dict[str, float] = {}

    def end(
        self, strays: Sequence[Sighting], requested: Sequence[tuple[JobEntry, Sighting]]
    ) -> None:
        """Request the end of jobs that should not be there, and of those that a user wants to end;
        of each at most once in AGAIN_SECONDS.
        """
        at = time.monotonic()
        entries = {sighting.remote: entry for entry, sighting in requested}
        due = [
            sighting
            for sighting in (*strays, *(sighting for _, sighting in requested))
            if at - self._ended_at.get(sighting.remote, -AGAIN_SECONDS) >= AGAIN_SECONDS
        ]
        if not due:
            return
        self._ended_at |= {sighting.remote: at for sighting in due}
        refusal = self.ask(partial(self._remote.end, due))
        if not refusal:
            return
        refused = [entries[sighting.remote] for sighting in due if sighting.remote in entries]
        self._record.explain(
            {
                entry.job.id: (
                    f"{entry.cancelled_by or entry.requeued_by} asked to end it, but"
                    f" {self._backend} refuses: {refusal}"
                )
                for entry in refused
            }
        )

    def ask(self, action: Callable[[], None]) -> str:
        """Request a change from the remote side. What it refuses is requested again, and does not
        affect other jobs; returns the reason.
        """
        try:
            self._call(action)
        except (Unreachable, NotNow, Rejected) as error:
            self._faults.note("asked", "is not done", error.message)
            return error.message
        return ""

    def sync(self, pairs: Iterable[tuple[JobEntry, Sighting]]) -> None:
        """Update holds and priorities of jobs that wait on the remote side."""
        waiting = [
            (entry, sighting)
            for entry, sighting in pairs
            if sighting.stage is Stage.WAITING and not entry.cancelled_by
        ]
        for held in (True, False):
            differing = [
                (entry, sighting.remote)
                for entry, sighting in waiting
                if bool(entry.job.held_by) is held
                and sighting.held is not held
                and (held or self._holds(entry))
            ]
            if held:  # noted first: it may be carried out although no answer comes
                differing = [pair for pair in differing if self._note_hold(pair[0])]
            if not differing:
                continue
            remotes = [remote for _, remote in differing]
            if not self.ask(partial(self._remote.hold, remotes, held=held)) and not held:
                for entry, _ in differing:
                    forget_hold(self._record.attempt(entry))
        priorities = {
            sighting.remote: entry.job.priority
            for entry, sighting in waiting
            if sighting.rank is not None and sighting.rank != self._remote.rank(entry.job.priority)
        }
        if priorities:
            self.ask(partial(self._remote.prioritize, priorities))

    def _holds(self, entry: JobEntry) -> bool:
        """Whether we hold it there: what somebody else holds is not ours to release."""
        return read_hold(self._record.attempt(entry)) == entry.token

    def _note_hold(self, entry: JobEntry) -> bool:
        """Whether it could be noted: without that, nothing would ever release the job."""
        try:
            note_hold(self._record.attempt(entry), entry.token)
        except OSError as error:
            self._faults.note("asked", f"job {entry.job.id} is not held", error)
            return False
        return True

    def was_ended(self, remote: str | None) -> bool:
        """Whether the end of this job was requested a short time ago."""
        return remote in self._ended_at

    def forget_old(self) -> None:
        """Forget requests that may be repeated."""
        self._ended_at = {
            remote: at
            for remote, at in self._ended_at.items()
            if time.monotonic() - at < AGAIN_SECONDS
        }
