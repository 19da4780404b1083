"""Ending runs with all their jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..core.errors import Conflict, MLInfraError, Unavailable, raise_all, tried
from ..jobs import JobSettings
from .launching import Launcher
from .rows import RunEntry
from .spec import Backfill, PipelineRun
from .state import is_final
from .store import RunStore

if TYPE_CHECKING:
    from ..core.project import Project

_MORE_SECONDS = 30.0
"""How long to wait for a run after the grace period of its jobs."""


class RunStopper:
    """Ends the runs of one project."""

    def __init__(self, project: Project, store: RunStore, launcher: Launcher) -> None:
        self._project, self._store, self._launcher = project, store, launcher

    def cancel(self, run: str, *, wait: bool) -> PipelineRun:
        """See `Pipelines.cancel`."""
        entry = self._store.run(run)
        if is_final(entry.run.state):
            raise Conflict(
                f"Run {entry.run.run} has ended: {entry.run.state}.", "There is nothing to cancel."
            )
        self._request_cancel(entry)
        return self._ended(entry) if wait else self._launcher.driven(entry.run.run)

    def cancel_all(self) -> Sequence[PipelineRun]:
        """See `Pipelines.stop`."""
        stopped: Sequence[PipelineRun] = ()
        failed: list[MLInfraError] = []
        for entry in self._store.unfinished():
            try:
                stopped = (*stopped, self.cancel(entry.run.run, wait=True))
            except Conflict:  # it has ended meanwhile
                continue
            except MLInfraError as error:
                failed.append(error)
        raise_all(failed)
        return stopped

    def cancel_backfill(self, plan: Backfill) -> None:
        """Leave a request for the drivers of the runs in it. One that cannot be read may have lost
        its driver: that is waited for until it has ended, with its jobs.

        Raises what kept runs from being cancelled, each named.
        """
        dates = {item.date for item in plan.dates}
        failed: list[MLInfraError] = []
        unreadable: list[RunEntry] = []
        for entry in self._store.unfinished(plan.pipeline):
            if entry.plan.backfill == plan.id:
                failed += tried(partial(self._request_cancel, entry))
                unreadable += [entry] if entry.problem else []
            elif not entry.backfill_known and entry.run.date in dates:
                why = f"It may be part of this backfill. {entry.problem}"
                failed.append(Conflict(f"Run {entry.run.run} is not cancelled.", why))
        for entry in unreadable:
            failed += tried(partial(self._give_up, entry))
        raise_all(failed)

    def _request_cancel(self, entry: RunEntry) -> None:
        """Leave a request for its driver. If that is impossible, end at least its jobs and raise
        Unavailable.
        """
        try:
            self._store.request_cancel(entry, self._project.user)
        except Unavailable as error:
            self._launcher.cancel_jobs(entry)
            why = (
                f"{error.why} Its jobs are being ended, but the cancellation cannot be"
                " written down."
            )
            raise Unavailable(
                f"Run {entry.run.run} of {entry.run.pipeline} is not cancelled.", why, error.fix
            ) from error

    def _give_up(self, entry: RunEntry) -> None:
        """End a run that cannot be read. Raises Unavailable if it goes on."""
        run = self._ended(entry)
        if not is_final(run.state):
            raise Unavailable(
                f"Run {run.run} has not ended yet.",
                "Its driver or its jobs take longer than they may.",
                f"mlinfra pipelines cancel {run.run}",
            )

    def _ended(self, entry: RunEntry) -> PipelineRun:
        """The run, once its driver has ended it; without a driver this process does so."""
        limit = (
            time.monotonic() + self._project.settings.of(JobSettings).grace_seconds + _MORE_SECONDS
        )
        while time.monotonic() < limit:
            entry = self._store.run(entry.run.run)
            if is_final(entry.run.state):
                return entry.run
            # No process drives it.
            with contextlib.suppress(Conflict), self._launcher.lock(entry.run.pipeline, entry.lane):
                entry = self._store.run(entry.run.run)
                return entry.run if is_final(entry.run.state) else self._launcher.drive(entry, None)
            time.sleep(0.1)
        return self._launcher.observed(entry)
