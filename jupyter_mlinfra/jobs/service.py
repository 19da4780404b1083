"""The verbs of jobs: the only module that interfaces call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError, Unavailable
from ..core.records import Page, check_limit, now, page_of
from ..core.search import Document
from .attempt.environment import Around
from .attempt.files import Attempt
from .attempt.log import read_log, search_log
from .backends import Attaching, backend_names, recent_compute
from .backends.shell import Attachment
from .cancel import JobStopper
from .code_verbs import CodeVerbs
from .dispatch import Dispatch
from .local.client import Control
from .local.usage import read as read_resources
from .outlook import estimate, queued
from .queue.store import JobStore
from .queue_verbs import QueueVerbs
from .spec import (
    AttemptRecord,
    Backend,
    Compute,
    Estimate,
    Job,
    JobSpec,
    JobState,
    LogChunk,
    LogHits,
    QueuedJob,
    Resources,
    Supervisor,
)
from .state import FINAL
from .submit.accept import Submitter
from .views import attempt_record, document, executed_notebook, with_files

if TYPE_CHECKING:
    from ..core.project import Project

SEARCHED = 1000
"""How many of the newest jobs search finds."""


class Jobs(QueueVerbs, CodeVerbs):
    """The jobs of one project: requests for compute that outlive the process that made them.

    tracked: returns the id of the newest tracked run that a job made, None if it made none.
    """

    def __init__(
        self,
        project: Project,
        *,
        tracked: Callable[[str], str | None] | None = None,
        around: Around = dict,
    ) -> None:
        """around: adds the project's variables to the environment of a job."""
        self._project = project
        self._around = around
        self._tracked = tracked
        self._store = JobStore(project.database)
        self._control = Control(project)
        self._dispatch = Dispatch(project, self._store, self._control)
        self._submitter = Submitter(project, self._store, self._dispatch, around)
        self._stopper = JobStopper(project, self._store, self._dispatch, self._control)

    def submit(self, spec: JobSpec) -> Job:
        """Accept a job; once this returns, it will run even if this process dies or the power is
        cut.

        Raises BadRequest, NotFound or Unprocessable for a job that can never run, Unavailable if
        the state cannot be written.
        """
        return self._complete(self._submitter.submit(spec))

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if the backend of such a job could never start it; one that does not
        answer refuses nothing.
        """
        self._dispatch.backend(spec.backend).check(spec)

    def clone(self, job: str, *, same_code: bool = False, **changes: Any) -> Job:
        """Submit another job, or array, like an earlier one, with the present code or, with
        `same_code`, with the code of that time.

        changes: fields of JobSpec that differ; of `parameters`, only those that differ, in each
        element of an array. It has checkpoints of its own, and the clone of a pipeline step is not
        part of the pipeline. Raises BadRequest if elements of an array would no longer differ,
        NotFound if the earlier code is no longer kept.
        """
        return self._complete(
            self._submitter.clone(self._store.named(job), same_code=same_code, changes=changes)
        )

    def show(self, job: str) -> Job:
        """A job by its id, the beginning of its id, or `job:ID`. Raises NotFound, or BadRequest if
        several begin like this.
        """
        shown = self.look(job)
        if self._tracked is not None and shown.attempt and shown.array is None:
            # A tracking store that does not answer must not hide the job.
            with contextlib.suppress(MLInfraError):
                return replace(shown, run=self._tracked(shown.id))
        return shown

    def look(self, job: str) -> Job:
        """The same without its tracked run: a tracking server, which may answer late or never, is
        not asked.
        """
        return self._complete(self._store.job(job))

    def names(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Names of jobs by their complete ids, in one query; without those that do not exist."""
        return self._store.names(ids)

    def job_of(self, key: str) -> Job | None:
        """The job that was submitted with this key."""
        job = self._store.by_key(key)
        return None if job is None else self._complete(job)

    def list(
        self,
        *,
        state: JobState | str | None = None,
        label: tuple[str, str] | None = None,
        array: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Jobs, newest first, an array as one; with `array` (its id) its elements in their
        order.
        """
        if array is not None:
            array = self._store.named(array).array
            if array is None:
                raise BadRequest(
                    "That is a job of its own.", "Only an array has elements.", "Leave array out."
                )
        page = self._store.page(
            state=None if state is None else JobState.parse(state),
            label=label,
            array=array,
            limit=limit,
            cursor=cursor,
        )
        return replace(page, items=self._completed(page.items))

    def logs(
        self,
        job: str,
        *,
        offset: int = 0,
        limit: int = 1_000_000,
        tail: int | None = None,
        until: int | None = None,
    ) -> LogChunk:
        """A part of a job's output, all attempts one after the other; continue from `next`.

        offset, limit: bytes. tail: lines from the end, or from byte `until`, instead of an offset.
        """
        found = self._store.entry(
            job
        ).job  # before the log is read, so that an ended job's log is complete
        return read_log(
            self._project.home,
            found.id,
            found.attempt,
            offset=offset,
            limit=limit,
            tail=tail,
            until=until,
            ended=found.state in FINAL,
            executed=executed_notebook(found, root=self._project.root, home=self._project.home),
        )

    def search_logs(
        self, job: str, text: str, *, limit: int = 50, cursor: str | None = None
    ) -> LogHits:
        """The lines of a job's log that contain `text`, ignoring case, all attempts one after the
        other.
        """
        check_limit(limit)
        if not text:
            raise BadRequest(
                "What should be searched for?", "The text is empty.", "Give a word of the log."
            )
        found = self._store.entry(job).job
        return search_log(
            self._project.home, found.id, found.attempt, text=text, limit=limit, cursor=cursor
        )

    def compute(self, backend: str | None = None) -> Compute:
        """What a backend has (default: that of the settings), and who uses it; a cluster is asked
        again after `COMPUTE_SECONDS`.
        """
        return recent_compute(self._dispatch.backend(backend))

    def queue(self, *, limit: int = 50, cursor: str | None = None) -> Page[QueuedJob]:
        """Waiting jobs, in the order in which they may start; then those that may not start yet."""
        return queued(self._store, self._dispatch, self._completed, limit=limit, cursor=cursor)

    def estimate(self, spec: JobSpec) -> Estimate:
        """What a job would meet if submitted now: when it starts, how long it takes, what it costs,
        or why it can never start.
        """
        return estimate(self._project, self._store, self._dispatch, spec)

    def resources(self, job: str, *, seconds: float = 900.0) -> Resources:
        """What the newest attempt of a job used in its last `seconds`; no points if it was not
        sampled.
        """
        found = self._store.entry(job).job
        until = found.ended_at or now()
        points = read_resources(
            Attempt.of(self._project.home, found.id, max(found.attempt, 1)),
            cpus=found.cpus,
            since=until.timestamp() - seconds,
        )
        return Resources(cpus=found.cpus, memory_limit_gib=found.memory_gib, points=points)

    def attempts(
        self, job: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AttemptRecord]:
        """Every start of a job, newest first."""
        found = self._store.entry(job).job
        page = page_of(range(found.attempt, 0, -1), limit=limit, cursor=cursor)
        items = [
            attempt_record(
                Attempt.of(self._project.home, found.id, number),
                number,
                last_line=bool(found.command),
            )
            for number in page.items
        ]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state, including empty ones."""
        return self._store.counts()

    def backends(self) -> Sequence[Backend]:
        """Where jobs can run, by name; each installed backend, whether or not it is configured."""
        default = self._dispatch.name_of(None)
        return [
            Backend(name=name, usual=name == default)
            for name in sorted({*backend_names(), default})
        ]

    def attach(self, job: str) -> Attachment:
        """How to get a shell in a job's environment. Raises Conflict or NotFound if it has none
        (any more), Unavailable if its backend gives none.
        """
        entry = self._store.entry(job)
        backend = self._dispatch.backend(entry.job.backend)
        if not isinstance(backend, Attaching):
            raise Unavailable(
                f"A job of {entry.job.backend} cannot be attached to.",
                "That backend gives no shell.",
                "Look at its log instead.",
            )
        return backend.attach(entry)

    def supervisor(self) -> Supervisor:
        """The process that runs the local jobs."""
        counts, entry = self._store.counts(), self._control.alive()
        return Supervisor(
            pid=entry.process.pid if entry else None,
            started_at=entry.started_at if entry else None,
            running=counts["starting"] + counts["running"],
            waiting=counts["queued"],
            cpus=entry.cpus if entry else 0,
            gpus=entry.gpus if entry else 0,
            trouble=self._control.trouble() if entry or self._dispatch.has_work() else "",
        )

    def start(self) -> Supervisor:
        """Make sure that the supervisor runs with the present settings. Raises Unavailable if it
        does not start.
        """
        self._dispatch.start_all()
        return self.supervisor()

    def heal(self) -> None:
        """Start again whoever watches over jobs that have not ended, or over alarms, and died; not
        what a user stopped. Who waits for a job does this, and the Jupyter server now and then;
        reading never does.
        """
        self._dispatch.heal()

    def stop(self, *, cancel_running: bool = False) -> Supervisor:
        """End the supervisor and the followers. Running jobs continue and waiting ones wait, until
        a submit or `start`.

        cancel_running: of this machine; those of a cluster are not ours to end. Every part is
        tried, also on a full disk. Raises Unavailable afterwards for what could not be ended or
        recorded.
        """
        self._stopper.stop(cancel_running=cancel_running)
        return self.supervisor()

    def heed_alarms(self, *, start: bool) -> None:
        """Make the supervisor read the alarms, which have changed. start: start one that does not
        run, as a submit does.
        """
        if start:
            self._control.wake_with_present_settings()
        else:
            self._control.wake_if_running()

    def search_fingerprint(self) -> str:
        """Changes whenever a job does."""
        return self._store.fingerprint()

    def search_documents(self) -> Iterable[Document]:
        """The newest jobs."""
        cursor: str | None = None
        for _ in range(0, SEARCHED, 500):
            page = self._store.page(state=None, label=None, limit=500, cursor=cursor)
            yield from map(document, page.items)
            cursor = page.cursor
            if cursor is None:
                return

    def _completed(self, jobs: Iterable[Job]) -> Sequence[Job]:
        """Jobs with what their files say, and why no process runs them: asked once per backend."""
        trouble, completed = cache(self._dispatch.trouble), list[Job]()
        for job in jobs:
            shown = with_files(job, root=self._project.root, home=self._project.home)
            reason = job.state not in FINAL and job.array is None and trouble(job.backend)
            completed.append(replace(shown, reason=reason) if reason else shown)
        return completed
