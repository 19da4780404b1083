"""Telling backends what changes in the queue."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from .backends import LOCAL, JobBackend, load_backend
from .local.client import Control
from .queue.alarms import read_alarms
from .queue.store import JobStore
from .remote.client import FollowerControl, followers
from .settings import JobSettings
from .spec import Job, JobState
from .state import ACTIVE

if TYPE_CHECKING:
    from ..core.project import Project


class Dispatch:
    """The backends of one project, each loaded when it is first needed."""

    def __init__(self, project: Project, store: JobStore, control: Control) -> None:
        self._project, self._store, self._control = project, store, control
        self._backends: dict[str, JobBackend] = {}

    def name_of(self, requested: str | None) -> str:
        """The requested backend, or that of the settings."""
        return requested or self._project.settings.of(JobSettings).backend

    def backend(self, requested: str | None = None) -> JobBackend:
        """The same, loaded. Raises NotFound with the installed names."""
        name = self.name_of(requested)
        if name not in self._backends:
            self._backends[name] = load_backend(name, self._project)
        return self._backends[name]

    def start(self, job: Job) -> None:
        """Start a waiting job. It is already accepted: an error goes into its reason, because a
        caller that tries again would submit it twice.
        """
        try:
            self.backend(job.backend).submit([job.id])
        except MLInfraError as error:
            self._store.explain(dict.fromkeys(self._store.named(job.id).jobs, f"Waits: {error}"))

    def end(self, jobs: Sequence[Job]) -> None:
        """End active jobs for which that was requested."""
        active = [
            job
            for job in jobs
            if job.state in ACTIVE
            or (job.state is JobState.QUEUED and self._store.entry(job.id).cancelled_by)
        ]
        for name in sorted({job.backend for job in active}):
            self.backend(name).cancel([job.id for job in active if job.backend == name])

    def trouble(self, backend: str) -> str:
        """Why no process follows the jobs of a backend; empty if one does."""
        if backend == LOCAL:
            return self._control.trouble()
        return FollowerControl(self._project, backend).trouble()

    def has_work(self) -> bool:
        """Whether a job has not ended, or an alarm is set."""
        return bool(self._store.backends() or read_alarms(self._project.database))

    def start_all(self) -> None:
        """Start the supervisor, and the followers that have work, also those that a user stopped.
        Raises Unavailable if the supervisor does not start.
        """
        self._control.start()
        for name in followers(self._project.home):
            FollowerControl(self._project, name).resume()
        self.heal()

    def heal(self) -> None:
        """Restart the process that follows a backend's jobs if it died while there is work; not
        one that a user stopped.
        """
        for name in self._store.backends():
            # A broken backend must not keep the others from it; its jobs say what is wrong.
            with contextlib.suppress(MLInfraError):
                self.backend(name).heal()
        if read_alarms(self._project.database):
            self._control.heal()
