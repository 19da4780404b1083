"""Ending runs with all their jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import Conflict, MLInfraError, Unavailable, raise_all
from ..jobs import JobSettings
from .launching import Launcher
from .rows import RunEntry
from .spec import PipelineRun
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

    def cancel_backfill(self, id: str) -> None:
        """Leave a request for the drivers of the runs in it."""
        for entry in self._store.unfinished():
            if entry.plan.backfill == id:
                self._store.request_cancel(entry, self._project.user)

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
