"""Routes of the jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Interval, Len

from .handler import Handler, access
from .parameters import Count, Cursor, Limit, Name, Text

if TYPE_CHECKING:
    from ..core.records import Page
    from ..jobs.spec import Compute, ExecutedNotebook, Job, LogChunk, Parameter, Supervisor

read, write, execute = access("jobs")

State = Literal["queued", "starting", "running", "succeeded", "failed", "cancelled", "lost"]
Words = Annotated[str, Len(0, 100_000)]


class JobList(Handler):
    @read
    def get(self, *, state: State | None = None, label: Name | None = None, limit: Limit = 50, cursor: Cursor = None) -> Page[Job]:
        """Jobs, newest first; `label` is KEY=VALUE."""
        key, _, value = (label or "").partition("=")
        return self.bench.jobs.list(state=state, label=(key, value) if label else None, limit=limit, cursor=cursor)

    @execute
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
        gpus: Annotated[int, Interval(ge=0, le=10_000)] = 0,
        cpus: Annotated[int, Interval(ge=0, le=10_000)] = 1,
        memory_gib: Annotated[float, Interval(gt=0, le=1e6)] | None = None,
        time_limit_minutes: Annotated[float, Interval(gt=0, le=1e7)] | None = None,
        priority: Annotated[int, Interval(ge=0, le=100)] = 50,
        retries: Annotated[int, Interval(ge=0, le=1000)] = 0,
        key: Name | None = None,
        labels: dict[Name, Name] | None = None,
    ) -> Job:
        """Submit a notebook (a path below the project) or a command (program and arguments apart)."""
        from ..jobs import JobSpec

        spec = JobSpec(
            notebook=notebook, command=command, parameters=parameters or {}, output=output, name=name, cwd=cwd, environment=environment or {}, gpus=gpus,
            cpus=cpus, memory_gib=memory_gib, time_limit_minutes=time_limit_minutes, priority=priority, retries=retries, key=key, labels=labels or {},
        )  # fmt: skip
        return self.bench.jobs.submit(spec)


class JobPage(Handler):
    @read
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
    ) -> LogChunk:
        """Bytes of the log from `offset`, or its last `tail` lines."""
        return self.bench.jobs.logs(id, offset=offset, limit=limit, tail=tail)


class JobCancel(Handler):
    @execute
    def post(self, id: str) -> Job:
        """Stop a job and everything that it started."""
        return self.bench.jobs.cancel(id)


class ComputePage(Handler):
    @read
    def get(self) -> Compute:
        """What the backend has, and who holds it."""
        return self.bench.jobs.compute()


class SupervisorPage(Handler):
    @read
    def get(self) -> Supervisor:
        """The local supervisor; starts none."""
        return self.bench.jobs.supervisor()


class ParameterList(Handler):
    @read
    def get(self, *, notebook: Name) -> Sequence[Parameter]:
        """The parameters of a notebook: its cell tagged `parameters`."""
        return self.bench.jobs.parameters(notebook)


class ExecutedPage(Handler):
    @read
    def get(self, *, path: Text) -> ExecutedNotebook:
        """A notebook with the outputs of its run, by the path that its job or step gives."""
        return self.bench.jobs.executed(path)


ROUTES = {
    "jobs/jobs": JobList,
    "jobs/jobs/{id}": JobPage,
    "jobs/jobs/{id}/log": JobLog,
    "jobs/jobs/{id}/cancel": JobCancel,
    "jobs/compute": ComputePage,
    "jobs/supervisor": SupervisorPage,
    "jobs/parameters": ParameterList,
    "jobs/executed": ExecutedPage,
}
