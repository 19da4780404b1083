"""The verbs that change the queue: end jobs, start them again, hold and move those that wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..core.errors import BadRequest
from ..core.runtime_folder import runtime_folder
from .attempt.environment import Around, handing_over, keep, submitters_environment
from .cancel import JobStopper
from .dispatch import Dispatch
from .queue.queries import Named
from .queue.store import JobStore
from .spec import Job, JobState

if TYPE_CHECKING:
    from ..core.project import Project


class QueueVerbs:
    """A part of `Jobs`."""

    _project: Project
    _store: JobStore
    _dispatch: Dispatch
    _stopper: JobStopper
    _around: Around

    def cancel(self, job: str) -> Job:
        """End a job (or all of an array) and all its processes: a waiting job at once, a running
        one is being ended when this returns. Calling it twice does no harm.

        A running job is ended even on a full disk; the cancel is recorded when there is room.
        """
        return self._complete(self._stopper.cancel(self._store.named(job)))

    def requeue(self, job: str) -> Job:
        """Start a job again under the same id: a running one is ended first, one that failed, was
        cancelled or lost goes back into the queue.

        It finds the checkpoints of its earlier attempts. Raises Conflict if it succeeded, or is
        being cancelled.
        """
        named, place = self._store.named(job), runtime_folder(self._project.home)
        with handing_over(place):
            found = self._store.requeue(
                named.jobs,
                array=named.array,
                user=self._project.user,
                environment=keep(self._around(submitters_environment()), place),
            )
        self._dispatch.end(found)
        return self._again(named)

    def restore(self, job: str) -> Job:
        """Undo a cancel: the job is queued again in its place, and so is what was cancelled because
        it should start after it.

        One that ran starts again from its checkpoints. Raises Conflict while it is still being
        cancelled, or if it was not cancelled.
        """
        named, place = self._store.named(job), runtime_folder(self._project.home)
        with handing_over(place):
            found = self._store.restore(
                named.jobs,
                user=self._project.user,
                environment=keep(self._around(submitters_environment()), place),
            )
        for later in {
            restored.part_of or restored.id: restored
            for restored in found
            if restored.id not in set(named.jobs)
        }.values():
            self._dispatch.start(later)
        return self._again(named)

    def hold(self, job: str) -> Job:
        """Keep a waiting job from starting until it is released. Raises Conflict if it does not
        wait.
        """
        named = self._store.named(job)
        self._store.hold(named.jobs, user=self._project.user)
        return self._again(named)

    def release(self, job: str) -> Job:
        """Let a held job start. Raises Conflict if it does not wait."""
        named = self._store.named(job)
        self._store.release(named.jobs)
        return self._again(named)

    def prioritize(self, job: str, priority: int) -> Job:
        """Move a waiting job in the queue: 0 is last, 100 first. Raises BadRequest outside that
        range, Conflict if it does not wait.
        """
        if not 0 <= priority <= 100:
            raise BadRequest(
                f"priority={priority} is out of range.",
                fix="Use 0 (last) to 100 (first); 50 is usual.",
            )
        named = self._store.named(job)
        self._store.prioritize(named.jobs, priority)
        return self._again(named)

    def wait(self, jobs: Iterable[str], *, timeout: float | None = None) -> Sequence[Job]:
        """The jobs, once all of them have ended or `timeout` seconds have passed: check their
        states.
        """
        ids = [ident for job in jobs for ident in self._store.named(job).jobs]
        self._stopper.wait(ids, timeout=timeout)
        return self._completed(self._store.entry(job).job for job in ids)

    def _again(self, named: Named) -> Job:
        """After a change to the queue: its backend checks it again."""
        job = self._store.job(named.array or named.jobs[0])
        if job.state is JobState.QUEUED or (
            job.array is not None and job.array.states.get(JobState.QUEUED)
        ):
            self._dispatch.start(job)
        return self._complete(job)

    def _complete(self, job: Job) -> Job:
        return self._completed([job])[0]

    def _completed(self, jobs: Iterable[Job]) -> Sequence[Job]:
        raise NotImplementedError
