"""Routes of the jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from ...faces.handler import Handler, access, elsewhere, remote
from ...faces.parameters import Count, Cursor, Interval, Len, Limit, Name, Text
from .needs import FIELDS, NeedsBody
from .terminals import open_terminal

if TYPE_CHECKING:
    from ...core.records import Page
    from ...notebooks.spec import ExecutedNotebook, JobParameter, Parameter
    from ..spec import (
        AttemptRecord,
        Backend,
        CodeDiff,
        CodePreview,
        CodeSnapshot,
        Compute,
        Estimate,
        Job,
        LogChunk,
        LogHits,
        QueuedJob,
        Resources,
        Supervisor,
        Terminal,
    )

read, write, execute = access("jobs")


def late(handler: Handler) -> bool:
    """`slow` for what asks both the tracking server and a cluster."""
    return remote(handler) or elsewhere(handler)


State = Literal["queued", "starting", "running", "succeeded", "failed", "cancelled", "lost"]
Words = Annotated[str, Len(0, 100_000)]


class JobList(Handler):
    @read
    def get(
        self,
        *,
        state: State | None = None,
        label: Name | None = None,
        array: Name | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Job]:
        """Jobs, newest first, an array as one item; `label` is KEY=VALUE, `array` lists the
        elements of one.
        """
        key, _, value = (label or "").partition("=")
        return self.bench.jobs.list(
            state=state,
            label=(key, value) if label else None,
            array=array,
            limit=limit,
            cursor=cursor,
        )

    @execute(slow=elsewhere)
    def post(
        self,
        *,
        notebook: Name | None = None,
        command: Annotated[tuple[Words, ...], Len(0, 1000)] = (),
        parameters: dict[str, Any] | None = None,
        output: Name | None = None,
        name: Annotated[str, Len(0, 200)] = "",
        cwd: Name | None = None,
        environment: dict[Name, Words] | None = None,
        array: Annotated[tuple[dict[str, Any], ...], Len(0, 10_000)] = (),
        max_parallel: Annotated[int, Interval(ge=1, le=10_000)] | None = None,
        after: Annotated[tuple[Name, ...], Len(0, 1000)] = (),
        checkpoints: Name | None = None,
        key: Name | None = None,
        labels: dict[Name, Name] | None = None,
        **needs: Unpack[NeedsBody],
    ) -> Job:
        """Submit a notebook (a path below the project) or a command (a list of program and
        arguments).
        """
        from .. import JobSpec

        spec = JobSpec(
            notebook=notebook,
            command=command,
            parameters=parameters or {},
            output=output,
            name=name,
            cwd=cwd,
            environment=environment or {},
            **needs,
            array=array,
            max_parallel=max_parallel,
            after=after,
            checkpoints=checkpoints,
            key=key,
            labels=labels or {},
        )
        return self.bench.jobs.submit(spec)


class EstimatePage(Handler):
    @read(slow=elsewhere)
    def post(
        self,
        *,
        notebook: Name | None = None,
        command: Annotated[tuple[Words, ...], Len(0, 1000)] = (),
        **needs: Unpack[NeedsBody],
    ) -> Estimate:
        """When such a job would start, how long it would take and what it would cost; or why it can
        never start.
        """
        from .. import JobSpec

        spec = JobSpec(
            notebook=notebook,
            command=command,
            **needs,
        )
        return self.bench.jobs.estimate(spec)


class QueueList(Handler):
    @read(slow=elsewhere)
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[QueuedJob]:
        """Waiting jobs, in the order in which they may start."""
        return self.bench.jobs.queue(limit=limit, cursor=cursor)


class JobPage(Handler):
    @read(slow=remote)
    def get(self, id: str) -> Job:
        """One job; a unique beginning of its id is enough."""
        return self.bench.jobs.show(id)


class JobLog(Handler):
    @read
    def get(
        self,
        id: str,
        *,
        offset: Count = 0,
        limit: Annotated[int, Interval(ge=1, le=4_000_000)] = 1_000_000,
        tail: Annotated[int, Interval(ge=1, le=100_000)] | None = None,
        until: Count | None = None,
    ) -> LogChunk:
        """Bytes of the log from `offset`, or its last `tail` lines, counted from its end or from
        byte `until`.
        """
        return self.bench.jobs.logs(id, offset=offset, limit=limit, tail=tail, until=until)


class JobLogSearch(Handler):
    @read(slow=True)
    def get(self, id: str, *, text: Text, limit: Limit = 50, cursor: Cursor = None) -> LogHits:
        """The lines of a log that contain a text, ignoring case."""
        return self.bench.jobs.search_logs(id, text, limit=limit, cursor=cursor)


class JobCancel(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Stop a job and everything that it started."""
        return self.bench.jobs.cancel(id)


class JobRequeue(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Start a job again under the same id, from its checkpoints."""
        return self.bench.jobs.requeue(id)


class JobRestore(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Undo a cancel: the job, and everything that was cancelled with it, is queued again in its
        place.
        """
        return self.bench.jobs.restore(id)


class JobHold(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Keep a waiting job from starting."""
        return self.bench.jobs.hold(id)


class JobRelease(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Let a held job start."""
        return self.bench.jobs.release(id)


class JobPriority(Handler):
    @execute(slow=elsewhere)
    def post(self, id: str, *, priority: Annotated[int, Interval(ge=0, le=100)]) -> Job:
        """Move a waiting job in the queue: 100 is first."""
        return self.bench.jobs.prioritize(id, priority)


if TYPE_CHECKING:
    Needs = dict[str, Any]
else:
    Needs = TypedDict(
        "Needs",
        {
            "name": Annotated[str, Len(0, 200)],
            **FIELDS,
            "after": Annotated[tuple[Name, ...], Len(0, 1000)],
        },
        total=False,
    )
    Needs.__doc__ = "What a clone asks for instead; missing fields are as in the original."


class JobClone(Handler):
    @execute(slow=late)
    def post(
        self,
        id: str,
        *,
        parameters: dict[str, Any] | None = None,
        needs: Needs | None = None,
        same_code: bool = False,
    ) -> Job:
        """Submit another job, or array, like this one; `parameters` and `needs` are those that
        differ.
        """
        changes: dict[str, Any] = dict(needs or {})
        if parameters:
            changes["parameters"] = parameters
        return self.bench.jobs.clone(id, same_code=same_code, **changes)


class JobAttach(Handler):
    @execute(slow=late)
    def post(self, id: str) -> Terminal:
        """Open a terminal of this Jupyter server in the environment of a job; a user who may not
        open terminals may not do this either.
        """
        from .. import Terminal

        job = self.bench.jobs.show(id).id
        note = self.bench.jobs.attach(
            job
        ).note  # an obstacle is an answer here, not text in a terminal
        command = [
            sys.executable,
            "-P",
            "-m",
            "jupyter_mlinfra.cli",
            f"--project={self.bench.project.root}",
            "jobs",
            "attach",
            "--",
            job,
        ]
        return Terminal(
            name=self.context.on_loop(lambda: open_terminal(self, command)), job=job, note=note
        )


class JobAttempts(Handler):
    @read
    def get(self, id: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[AttemptRecord]:
        """Every start of a job, newest first."""
        return self.bench.jobs.attempts(id, limit=limit, cursor=cursor)


class JobResources(Handler):
    @read
    def get(
        self, id: str, *, seconds: Annotated[float, Interval(gt=0, le=10_000_000)] = 900.0
    ) -> Resources:
        """What the newest attempt of a job used in its last `seconds`."""
        return self.bench.jobs.resources(id, seconds=seconds)


class JobCode(Handler):
    @read
    def get(self, id: str) -> CodeSnapshot | None:
        """The code that a job runs from, including what was left out."""
        return self.bench.jobs.code(id)


class JobValues(Handler):
    @read
    def get(self, id: str) -> Sequence[JobParameter]:
        """The parameters that a job ran with, including the defaults that its notebook had at that
        time.
        """
        return self.bench.jobs.values(id)


class JobDiff(Handler):
    @read
    def get(
        self, id: str, *, limit: Annotated[int, Interval(ge=1, le=4_000_000)] = 200_000
    ) -> CodeDiff | None:
        """How the code that a job runs from differs from the commit, at most `limit` bytes."""
        return self.bench.jobs.diff(id, limit=limit)


class CodePreviewPage(Handler):
    @read(slow=True)
    def get(self, *, notebook: Name, limit: Limit = 50) -> CodePreview:
        """What the code snapshot of a notebook would contain if it were submitted now."""
        return self.bench.jobs.preview(notebook, limit=limit)


class ComputePage(Handler):
    @read(slow=elsewhere)
    def get(self, *, backend: Name | None = None) -> Compute:
        """What a backend has (default: that of the settings), and who uses it."""
        return self.bench.jobs.compute(backend)


class BackendList(Handler):
    @read
    def get(self) -> Sequence[Backend]:
        """Where jobs can run."""
        return self.bench.jobs.backends()


class SupervisorPage(Handler):
    @read
    def get(self) -> Supervisor:
        """The local supervisor; does not start one."""
        return self.bench.jobs.supervisor()


class ParameterList(Handler):
    @read
    def get(self, *, notebook: Name) -> Sequence[Parameter]:
        """The parameters of a notebook: its cell tagged `parameters`."""
        return self.bench.jobs.parameters(notebook)


class ExecutedPage(Handler):
    @read(slow=True)
    def get(self, *, path: Text, since: Name | None = None) -> ExecutedNotebook | None:
        """A notebook with the outputs of its run, by the path in its job or step; nothing while its
        `modified_at` is still `since`.
        """
        return self.bench.jobs.executed(path, since=since)


ROUTES = {
    "jobs/jobs": JobList,
    "jobs/jobs/{id}": JobPage,
    "jobs/jobs/{id}/log": JobLog,
    "jobs/jobs/{id}/log/search": JobLogSearch,
    "jobs/jobs/{id}/cancel": JobCancel,
    "jobs/jobs/{id}/requeue": JobRequeue,
    "jobs/jobs/{id}/restore": JobRestore,
    "jobs/jobs/{id}/hold": JobHold,
    "jobs/jobs/{id}/release": JobRelease,
    "jobs/jobs/{id}/priority": JobPriority,
    "jobs/jobs/{id}/clone": JobClone,
    "jobs/jobs/{id}/attempts": JobAttempts,
    "jobs/jobs/{id}/resources": JobResources,
    "jobs/jobs/{id}/code": JobCode,
    "jobs/jobs/{id}/parameters": JobValues,
    "jobs/jobs/{id}/diff": JobDiff,
    "jobs/jobs/{id}/attach": JobAttach,
    "jobs/queue": QueueList,
    "jobs/estimate": EstimatePage,
    "jobs/compute": ComputePage,
    "jobs/backends": BackendList,
    "jobs/supervisor": SupervisorPage,
    "jobs/parameters": ParameterList,
    "jobs/preview": CodePreviewPage,
    "jobs/executed": ExecutedPage,
}
