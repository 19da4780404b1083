"""Ending jobs, and the processes that run them. Also on a full disk: then the request is left in
memory (see `CancelRequests`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, Unavailable, raise_all, tried
from ..core.processes import tree
from ..core.runtime_folder import runtime_folder
from .attempt.environment import forget, handing_over, release
from .dispatch import Dispatch
from .local.cancel_requests import CancelRequests
from .local.client import Control
from .queue.queries import Named
from .queue.rows import JobEntry
from .queue.store import JobStore
from .remote.client import FollowerControl, followers
from .settings import JobSettings
from .spec import Job
from .state import ACTIVE, FINAL

if TYPE_CHECKING:
    from ..core.project import Project

EXPLAINED = 100
"""How many waiting jobs get a reason at a stop."""
STOP_SECONDS = 30.0
"""How long beyond the grace period a job may take to end before the supervisor is stopped
anyway.
"""
_WAIT_SECONDS = (0.005, 0.1)
"""First and longest pause between two checks of the queue during a wait."""


class JobStopper:
    """Ends the jobs of one project."""

    def __init__(
        self, project: Project, store: JobStore, dispatch: Dispatch, control: Control
    ) -> None:
        self._project, self._store, self._dispatch, self._control = (
            project,
            store,
            dispatch,
            control,
        )
        self._cancel_requests = CancelRequests(project.home)

    def cancel(self, named: Named) -> Job:
        """See `Jobs.cancel`."""
        user = self._project.user
        entries = [self._store.entry(ident) for ident in named.jobs] if named.array is None else []
        try:
            found = self._store.request_cancel(named.jobs, user=user)
        except Unavailable:
            if not entries or entries[0].job.state not in ACTIVE:
                raise
            self._cancel_requests.leave(entries[0].job.id, user)
            found = [
                replace(
                    entries[0].job,
                    reason=f"Is being cancelled by {user}; that cannot be recorded yet.",
                )
            ]
        self._dispatch.end(found)
        for path in {
            self._store.entry(job.id).launch.environment for job in found if job.state in FINAL
        }:
            release(path, needed=partial(self._store.needs, path))
        return found[0] if named.array is None else self._store.job(named.array)

    def wait(self, jobs: Sequence[str], *, timeout: float | None) -> None:
        """Wait until all of these have ended, or `timeout` seconds have passed."""
        limit = None if timeout is None else time.monotonic() + timeout
        unfinished, seen, pause = jobs, -1, _WAIT_SECONDS[0]
        while unfinished and (limit is None or time.monotonic() < limit):
            version = self._store.data_version()
            if version != seen:
                unfinished = [
                    job for job in unfinished if self._store.entry(job).job.state not in FINAL
                ]
                seen, pause = version, _WAIT_SECONDS[0]
            else:
                self._dispatch.heal()
                time.sleep(pause)
                pause = min(pause * 2, _WAIT_SECONDS[1])

    def stop(self, *, cancel_running: bool) -> None:
        """See `Jobs.stop`."""
        failed: list[MLInfraError] = []
        running: list[JobEntry] = []
        if cancel_running:
            failed += tried(lambda: running.extend(self._store.active()))
        if running:
            # Otherwise waiting jobs would take the place of those that are cancelled.
            failed += tried(self._control.drain)
            for entry in running:
                failed += tried(partial(self.cancel, Named([entry.job.id])))
            self._wait_for_end(running)
        failed += tried(self._control.stop)
        for name in followers(self._project.home):
            failed += tried(FollowerControl(self._project, name).stop)
        failed += tried(self._explain_stop)
        failed += tried(self._forget)
        raise_all(failed)

    def _wait_for_end(self, running: Sequence[JobEntry]) -> None:
        """Wait until these jobs have ended, or have no process any more and their end cannot be
        recorded.
        """
        limit = (
            time.monotonic() + self._project.settings.of(JobSettings).grace_seconds + STOP_SECONDS
        )
        requested = self._cancel_requests.read()
        self.wait(
            [entry.job.id for entry in running if entry.job.id not in requested],
            timeout=limit - time.monotonic(),
        )
        while time.monotonic() < limit and any(
            entry.job.id in requested and tree(entry.token) for entry in running
        ):
            time.sleep(_WAIT_SECONDS[1])

    def _explain_stop(self) -> None:
        waiting = self._store.waiting(at=time.time(), limit=EXPLAINED)
        self._store.explain(
            {
                item.id: "Waits: the supervisor is stopped; `mlinfra up` starts it."
                for item in waiting
            }
        )

    def _forget(self) -> None:
        """Environments of submitters may hold secrets: none is kept without a job that needs it."""
        with handing_over(place := runtime_folder(self._project.home)):
            unfinished = self._store.unfinished()
            forget(
                place,
                jobs={entry.job.id for entry in unfinished},
                environments={entry.launch.environment for entry in unfinished},
                fresh_seconds=0,
            )
